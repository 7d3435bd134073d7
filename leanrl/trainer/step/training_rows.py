"""Kept groups as rows of the engine: their advantages, and the credit of their tokens.

Axes: P kept groups, G completions of a group.
"""

from collections.abc import Sequence
from math import nan

from torch import Tensor

from leanrl.engine.rows import StepRow
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.step.algorithm import Algorithm
from leanrl.trainer.step.groups import KeptGroup, padded


def advantages_of(kept: Sequence[KeptGroup], algorithm: Algorithm, ranks: Ranks) -> list[Tensor]:
    """Return advantages_G of each group of this rank; the algorithm sees the groups of all ranks at once."""
    everybody, place = ranks.share([(one.counted_rewards, one.group.lengths) for one in kept])
    if not everybody:
        return []
    advantages_P_G = algorithm.advantages(
        padded([rewards for rewards, _ in everybody], filler=nan),
        padded([lengths for _, lengths in everybody], filler=0.0),
    )[place]
    return [padded_G[: len(one.group.rewards_G)] for one, padded_G in zip(kept, advantages_P_G, strict=True)]


def rows_of(
    kept: Sequence[KeptGroup], advantages_P: Sequence[Tensor], algorithm: Algorithm, *, masks_truncated: bool
) -> list[list[StepRow]]:
    """Return the rows of each group; their log-probabilities and weights are still to come."""
    return [
        one.rows(advantages_G, algorithm.credits(one.group, advantages_G), masks_truncated=masks_truncated)
        for one, advantages_G in zip(kept, advantages_P, strict=True)
    ]
