"""Groups without signal: they are left out, and the others count for more."""

from math import isnan
from typing import Literal

from leanrl.seams.protocols import Group, Kept
from leanrl.seams.registry import plugin


@plugin("keep_rows", "signal", needs_grades=lambda options: options.get("by") == "correct")
def signal(group: Group, *, by: Literal["correct", "reward"] = "correct") -> Kept:
    """Return all completions of a group, or none where the group has no signal.

    `correct`: the group has none where all or none of its completions are right. It needs a graded reward. `reward`: it
    has none where all rewards are equal. With a length or format reward beside accuracy rewards are rarely equal, and
    such a group would be trained on its shape alone: so `correct` is the default.

    The denominators count kept groups, so that the gradient keeps its size: two live groups of four weigh twice as much
    each. Completions whose reward is NaN say nothing about signal, and stay with their group.

    Source: the filter of DAPO's dynamic sampling, arXiv 2503.14476, sec. 3.2; `refill: until_full` draws prompts in the
    place of dropped groups. To copy live groups into the place of dead ones (POLARIS) has the same expected gradient.
    """
    scored = [row for row, reward in enumerate(group.rewards_G) if not isnan(reward)]
    seen: set[float] = {group.correct_G[row] if by == "correct" else group.rewards_G[row] for row in scored}
    return Kept(tuple(range(len(group.rewards_G))) if len(seen) > 1 else ())
