"""The rows of a rollout as those of its updates, each with its weight.

Axes: P kept groups of this rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from leanrl.algorithms.aggregation import completion_weights
from leanrl.config.schema import RunConfig
from leanrl.engine.rows import StepRow
from leanrl.trainer.step.among_ranks import Ranks
from leanrl.trainer.step.rollout_metrics import RolloutLog


@dataclass(frozen=True)
class RolloutRows:
    """A rollout's rows of this rank, one list for each update on it, and what of it is worth a record.

    `has_rows` says whether any rank has one.
    """

    updates: list[list[StepRow]]
    log: RolloutLog
    has_rows: bool


def weighted_updates(
    rows_P: Sequence[Sequence[StepRow]],
    copies_P: Sequence[float],
    *,
    config: RunConfig,
    ranks: Ranks,
) -> list[list[StepRow]]:
    """Return the rows of each update on the rollout; an update takes whole groups.

    Weights count what all ranks train in the update, times the ranks, over which gradients are averaged.
    """

    def weighted(first: int, last: int) -> list[StepRow]:
        tokens_P = [[row.counted_tokens for row in rows] for rows in rows_P[first:last]]
        everybody, place = ranks.share(list(zip(tokens_P, copies_P[first:last], strict=True)))
        weights_P = completion_weights(
            [tokens for tokens, _ in everybody],
            aggregation=config.algorithm.aggregation,
            max_completion_tokens=config.rollout.max_completion_tokens,
            copies=[copies for _, copies in everybody],
        )[place]
        return [
            replace(row, weight=weight * ranks.count)
            for rows, weights in zip(rows_P[first:last], weights_P, strict=True)
            for row, weight in zip(rows, weights, strict=True)
        ]

    num_updates = config.train.updates_per_rollout
    bounds = [round(number * len(rows_P) / num_updates) for number in range(num_updates + 1)]
    return [weighted(first, last) for first, last in pairwise(bounds)]
