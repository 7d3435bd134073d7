"""The rows of a rollout as those of its updates, each with its weight.

Axes: P kept groups of this rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from leanrl.algorithms.aggregation import completion_weights
from leanrl.config.schema import RunConfig
from leanrl.engine.rows import StepRow
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.step.rollout_metrics import RolloutLog


@dataclass(frozen=True)
class RolloutRows:
    """The rows of a rollout that this rank trains, one list for each update, and what is recorded of the rollout.

    `has_rows` says of each update whether any rank has a row for it.
    """

    updates: list[list[StepRow]]
    has_rows: list[bool]
    log: RolloutLog

    def rows(self, step: int) -> list[StepRow]:
        """Return this rank's rows of the update after `step` optimizer steps; the updates take turns."""
        return self.updates[step % len(self.updates)]

    def is_empty(self, step: int) -> bool:
        """Return whether no rank has a row of the update after `step` optimizer steps."""
        return not self.has_rows[step % len(self.updates)]


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


def has_rows(updates: Sequence[Sequence[StepRow]], ranks: Ranks) -> list[bool]:
    """Return for each update whether any rank has a row for it."""
    of_ranks = ranks.gather([[bool(rows) for rows in updates]])
    return [any(of_update) for of_update in zip(*of_ranks, strict=True)]
