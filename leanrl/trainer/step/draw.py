"""Completions of the prompts that are asked, by group.

Axes: B completions of one rank, P groups, G completions of a group.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan
from typing import Protocol, TypeVar

from leanrl.trainer.step.groups import Asked, forced_logprobs

Value = TypeVar("Value")
# The completions that an engine returns for tokens to go on from, and their log-probabilities, if it has any.
Logprobs = Sequence[Sequence[float | None]]


class Draws(Protocol):
    """What an engine has drawn (see `trainer.rollouts.bridge.Rollout`)."""

    completion_ids_B: list[list[int]]
    logprobs_B: Logprobs | None


Draw = Callable[[list[list[int]]], Draws]


@dataclass(frozen=True)
class DrawnGroups:
    """The tokens of each group's completions, forced ones with them; `logprobs_P_G` are the engine's, or None."""

    completion_ids_P_G: list[list[list[int]]]
    logprobs_P_G: list[list[list[float]] | None]


def drawn_groups(asked: Sequence[Asked], draw: Draw, *, max_tokens: int) -> DrawnGroups:
    """Return what `draw` makes of the prompts, cut at `max_tokens` where forced tokens take a part of them."""
    drawn = draw([beginning for one in asked for beginning in one.beginnings])
    drafts = [draft for one in asked for draft in one.drafts_G]
    ids_B = [[*draft.forced_ids, *ids][:max_tokens] for draft, ids in zip(drafts, drawn.completion_ids_B, strict=True)]
    sizes = [len(one.drafts_G) for one in asked]
    if drawn.logprobs_B is None:
        return DrawnGroups(_by_group(ids_B, sizes), [None] * len(sizes))
    logprobs_B = [
        [*forced_logprobs(draft), *(nan if value is None else value for value in values)][:max_tokens]
        for draft, values in zip(drafts, drawn.logprobs_B, strict=True)
    ]
    return DrawnGroups(_by_group(ids_B, sizes), list(_by_group(logprobs_B, sizes)))


def _by_group(values_B: Sequence[Value], sizes: Sequence[int]) -> list[list[Value]]:
    remaining = iter(values_B)
    return [[next(remaining) for _ in range(size)] for size in sizes]
