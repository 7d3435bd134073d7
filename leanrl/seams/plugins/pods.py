"""PODS: the completions of a group whose rewards have the largest variance."""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import isnan
from typing import Annotated

from pydantic import Field

from leanrl.seams.protocols import Group, Kept
from leanrl.seams.registry import plugin


@plugin("keep_rows", "pods")
def pods(group: Group, *, rows: Annotated[int, Field(ge=2)]) -> Kept:
    """Return the `rows` completions with the largest variance of rewards; advantages use their mean and spread.

    They are the k best and the `rows` - k worst for some k. Of equal variances the largest k is taken, so that a right
    completion is worth more than a wrong one. Of equal rewards go first: right before wrong, short before long among
    the right, not truncated before truncated among the wrong, then by number.

    A completion whose reward is NaN is not kept. A group with `rows` completions or fewer is kept as it is.

    The choice is biased by design: both tails weigh more. With 0/1 rewards and a solve rate of 0.1 the true gradient of
    a bandit is 0.090; 4 of 8 give 0.1185, 16 of 64 give 0.2217.

    Args:
        rows: completions that are trained of each group; `train.num_completions` are sampled and graded.

    Source: arXiv 2504.13818. The published code breaks ties by the order of a sort.
    """
    if len(group.rewards_G) <= rows:
        return Kept(tuple(range(len(group.rewards_G))))
    scored = [row for row, reward in enumerate(group.rewards_G) if not isnan(reward)]
    wanted = Counter(widest([group.rewards_G[row] for row in scored], rows))
    kept = []
    for row in sorted(scored, key=lambda row: _preference(group, row)):
        if wanted[group.rewards_G[row]]:
            wanted[group.rewards_G[row]] -= 1
            kept.append(row)
    return Kept(tuple(sorted(kept)))


def widest(rewards: Sequence[float], count: int) -> list[float]:
    """Return the `count` rewards with the largest variance, the best first; all of them where there are fewer.

    With m for `count`, m^2 times the variance is m sum(r^2) - sum(r)^2, computed without rounding: a tie is a tie.
    """
    ordered = sorted(rewards, reverse=True)
    if len(ordered) <= count:
        return ordered
    exact = [Fraction(reward) for reward in ordered]
    sums = list(accumulate(exact, initial=Fraction(0)))
    squares = list(accumulate((reward * reward for reward in exact), initial=Fraction(0)))

    def spread(num_best: int) -> Fraction:
        worst = len(ordered) - (count - num_best)
        total = sums[num_best] + sums[-1] - sums[worst]
        total_squares = squares[num_best] + squares[-1] - squares[worst]
        return count * total_squares - total * total

    num_best = max(range(count + 1), key=lambda number: (spread(number), number))
    return ordered[:num_best] + ordered[len(ordered) - (count - num_best) :]


def _preference(group: Group, row: int) -> tuple[bool, int, int]:
    if group.correct_G[row]:
        return False, len(group.completion_ids_G[row]), row
    return True, int(group.samples_G[row].is_truncated), row
