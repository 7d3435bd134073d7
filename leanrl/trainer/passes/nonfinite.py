"""Steps whose loss or gradient is not finite: skipped, counted, their batch kept, and after too many the run stops."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor, nn

from leanrl.engine.rows import StepRow
from leanrl.errors import StoppedError
from leanrl.hints import command
from leanrl.storage.run_folder import RunFolder, write_jsonl


class NonfiniteSteps:
    """Counts the steps in a row that had to be skipped.

    Args:
        run: receives the rows of each.
        rank: names this process's file.
        max_in_a_row: at which the run is to stop.
    """

    def __init__(self, run: RunFolder, *, rank: int, max_in_a_row: int) -> None:
        self.run = run
        self.rank = rank
        self.max_in_a_row = max_in_a_row
        self.in_a_row = 0

    @property
    def are_too_many(self) -> bool:
        return self.in_a_row >= self.max_in_a_row

    def passes(
        self, model: nn.Module, loss: Tensor, rows: Sequence[StepRow], *, step: int, reduce: Callable[[Tensor], Tensor]
    ) -> bool:
        """Return whether the step may be taken; if not, drop its gradients and keep its rows.

        An optimizer leaves weights without a gradient alone, its own state with them, so nothing of the step stays.

        Args:
            model: holds the gradients of the step, summed over ranks.
            loss: this rank's part.
            rows: this rank's rows.
            step: the number that the step will have.
            reduce: sums a tensor over all ranks, which must decide alike.
        """
        is_broken = ~(torch.isfinite(loss) & torch.isfinite(_gradient_norm(model.parameters(), loss)))
        if reduce(is_broken.float()).item() == 0:
            self.in_a_row = 0
            return True
        self.in_a_row += 1
        model.zero_grad(set_to_none=True)
        self.run.nonfinite.mkdir(exist_ok=True)
        write_jsonl(self.run.nonfinite / f"step-{step:06d}-rank{self.rank}.jsonl", [_as_json(row) for row in rows])
        return False

    def require_few(self) -> None:
        """Raise if the last steps were skipped and the limit is reached; a checkpoint is written by then.

        Raises:
            StoppedError: naming where the batches and the checkpoint lie.
        """
        if self.are_too_many:
            raise StoppedError(
                f"the loss or its gradient was not finite in {self.in_a_row} steps in a row. None of them was taken; "
                f"{self.run.complete_checkpoints()[-1].name} holds the weights before them, and "
                f"{self.run.nonfinite} their batches.",
                hint=f"`{command('train', '--resume', self.run.path)}` goes on with other completions; a lower "
                "-s optimizer.learning_rate or -s model.compute_dtype=float32 in a new run may avoid it",
            )


def _gradient_norm(parameters: Iterable[nn.Parameter], loss: Tensor) -> Tensor:
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    if not gradients:
        return torch.zeros_like(loss)
    norm = torch.nn.utils.get_total_norm(gradients)
    # FSDP2's gradients are DTensors, and so is their norm.
    return norm.full_tensor() if hasattr(norm, "full_tensor") else norm


def _as_json(row: StepRow) -> dict[str, Any]:
    return {field.name: _plain(getattr(row, field.name)) for field in fields(row)}


def _plain(value: Any) -> Any:
    if isinstance(value, Tensor):
        return [_number(one) for one in value.tolist()]
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else str(value)
