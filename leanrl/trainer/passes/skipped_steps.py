"""SkippedSteps: steps that change nothing, because a number is not finite or no row was kept, counted by reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from leanrl.engine.rows import StepRow
from leanrl.trainer.passes.empty_steps import EmptySteps
from leanrl.trainer.passes.nonfinite import NonfiniteSteps


@dataclass(frozen=True)
class SkippedSteps:
    """Drops the gradients of steps that must not be taken; after too many in a row the run is to stop.

    Args:
        reduce: sums a tensor over all ranks.
    """

    nonfinite: NonfiniteSteps
    empty: EmptySteps
    reduce: Callable[[Tensor], Tensor]

    def checked(
        self, model: nn.Module, loss: Tensor, rows: Sequence[StepRow], *, is_empty: bool = False, step: int
    ) -> Tensor:
        """Return the loss of this rank, or 0 where it or a gradient is not finite on any rank.

        Args:
            model: holds the gradients; none are left where the step is skipped.
            rows: this rank's.
            is_empty: whether no rank has one.
            step: the number that the step will have.
        """
        is_finite = self.nonfinite.passes(model, loss, rows, step=step, reduce=self.reduce)
        self.empty.count(model, is_empty=is_empty)
        return loss if is_finite else torch.zeros_like(loss)

    @property
    def metrics(self) -> dict[str, float]:
        """How many of the last steps in a row were skipped, by the name of the reason."""
        return {"nonfinite_steps": self.nonfinite.in_a_row, "empty_steps": self.empty.in_a_row}

    @property
    def are_too_many(self) -> bool:
        return self.nonfinite.are_too_many or self.empty.are_too_many

    def require_few(self) -> None:
        """Raise if a limit is reached; a checkpoint is written by then.

        Raises:
            StoppedError: naming the reason and the checkpoint.
        """
        self.nonfinite.require_few()
        self.empty.require_few()
