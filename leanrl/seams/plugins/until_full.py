"""Prompts drawn in the place of dropped groups, until a step is full."""

from typing import Annotated

from pydantic import Field

from leanrl.config.sections.field_types import PositiveInt
from leanrl.seams.registry import plugin


@plugin("refill", "until_full")
def until_full(
    groups_wanted: int,
    groups_kept: int,
    dropped_share: float,
    round_number: int,
    *,
    max_rounds: PositiveInt = 10,
    margin: Annotated[float, Field(ge=1.0)] = 1.25,
) -> int:
    """Return int(missing / (1 - dropped fraction) * margin), at most `groups_wanted`; 0 where the step is full.

    It is also 0 after `max_rounds` rounds: the step then trains on what is there. Where every group so far was dropped,
    it is `groups_wanted`.

    With it the mean reward of a step is not that of the data, and steps use different numbers of prompts.

    Args:
        max_rounds: most rounds of a step; each costs a rollout.
        margin: draws more than should be needed, since a round too many costs more than some groups.

    Source: DAPO's dynamic sampling, arXiv 2503.14476, sec. 3.2, with at most 10 rounds (verl); the formula is that of
    GRESO's code (arXiv 2506.02177), which counts completions.
    """
    missing = groups_wanted - groups_kept
    if missing <= 0 or round_number > max_rounds:
        return 0
    live_share = 1.0 - dropped_share
    if not live_share > 0.0:
        return groups_wanted
    return min(int(missing / live_share * margin), groups_wanted)
