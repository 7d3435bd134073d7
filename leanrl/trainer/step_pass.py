"""StepPass: a step's rows cut into micro-batches and run through the engine, on as many ranks as there are.

Axes: B rows of one rank, T completion tokens.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor

from leanrl.engine.cut import fill_up, rows_that_teach
from leanrl.engine.rows import MicroBatch, StepRow
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import StepSums, score_micro_batch, train_micro_batch
from leanrl.trainer.token_budget import TokenBudget


class StepPass:
    """What a trainer does with rows: score them, or add their gradients to the model's.

    Args:
        accelerator: the ranks, their device and their precision.
        budget: cuts the rows, into smaller micro-batches once memory ran out.
        settings: of the loss.
        pad_id: the token that fills a padded micro-batch behind its shorter rows.
        skip_zero_advantage: leave out rows that cannot teach, where the loss lets them.
    """

    def __init__(
        self,
        accelerator: Accelerator,
        *,
        budget: TokenBudget,
        settings: LossSettings,
        pad_id: int,
        skip_zero_advantage: bool,
    ) -> None:
        self.budget = budget
        self.settings = settings
        self._accelerator = accelerator
        self._pad_id = pad_id
        self._skips_rows = skip_zero_advantage and not settings.needs_every_row

    def score(self, model: Any, rows: list[StepRow], *, num_columns: int) -> Tensor:
        """Return logprobs_B_T of the rows' completions under `model`; T is `num_columns`, 0 behind their ends."""
        logprobs_B_T = torch.zeros(len(rows), num_columns, device=self._accelerator.device)
        self.budget.redo(lambda: self._score(model, rows, logprobs_B_T), undo=logprobs_B_T.zero_)
        return logprobs_B_T

    def add_gradients(self, model: Any, rows: list[StepRow]) -> StepSums:
        """Run forward and backward over all rows, and return the sums of this rank."""
        return self.budget.redo(lambda: self._add_gradients(model, rows), undo=model.zero_grad)

    def lay_out(self, rows: list[StepRow]) -> MicroBatch:
        """Return the tensors of one micro-batch on the device."""
        return self.budget.layout.lay_out(rows, pad_id=self._pad_id, device=self._accelerator.device)

    def _score(self, model: Any, rows: list[StepRow], logprobs_B_T: Tensor) -> None:
        for numbers in self._same_count(self._cut(rows)):
            chosen = [rows[number] for number in numbers]
            with self.budget.running(chosen), self._accelerator.autocast():
                scored = score_micro_batch(model, self.lay_out(chosen), temperature=self.settings.temperature)
            logprobs_B_T[numbers, : scored.shape[1]] = scored

    def _add_gradients(self, model: Any, rows: list[StepRow]) -> StepSums:
        taught = rows_that_teach(rows) if self._skips_rows else rows
        micro_batches = [[taught[number] for number in numbers] for numbers in self._cut(taught)]
        count = max(1, *gather_object([len(micro_batches)]))
        micro_batches = fill_up(micro_batches, count=count, pad_id=self._pad_id)
        totals: StepSums | None = None
        for index, micro_batch_rows in enumerate(micro_batches):
            with (
                self.budget.running(micro_batch_rows),
                self._accelerator.autocast(),
                self._gradient_sync(model, is_last=index == len(micro_batches) - 1),
            ):
                sums = train_micro_batch(
                    model,
                    self.lay_out(micro_batch_rows),
                    settings=self.settings,
                    backward=self._accelerator.backward,
                )
            totals = sums if totals is None else totals + sums
        assert totals is not None
        return totals

    def _cut(self, rows: list[StepRow]) -> list[list[int]]:
        return self.budget.cut([row.num_tokens for row in rows])

    def _same_count(self, cut: list[list[int]]) -> list[list[int]]:
        """Return the cut with its last part repeated until all ranks have equally many: sharded forwards meet."""
        return cut + cut[-1:] * (max(gather_object([len(cut)])) - len(cut))

    def _gradient_sync(self, model: Any, *, is_last: bool) -> AbstractContextManager[Any]:
        return nullcontext() if is_last else self._accelerator.no_sync(model)
