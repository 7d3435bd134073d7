"""StepPass: a step's rows cut into micro-batches and run through the engine, on as many ranks as there are.

Ranks with a whole model each (DDP) run their micro-batches alone, agree that memory sufficed, and exchange gradients
in a pass of its own. Ranks that share one (FSDP2) meet in every layer of every pass.

Axes: B rows of one rank, T completion tokens.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, TypeVar

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedType, gather_object
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from leanrl.engine.cut import fill_up, rows_that_teach
from leanrl.engine.rows import MicroBatch, StepRow
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import StepSums, score_micro_batch, train_micro_batch
from leanrl.trainer.memory.token_budget import TokenBudget
from leanrl.trainer.passes.step_means import step_means

T = TypeVar("T")


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
        self._skip_zero_advantage = skip_zero_advantage
        self._has_reference = settings.kl_beta != 0.0
        self._is_sharded = accelerator.distributed_type == DistributedType.FSDP

    def score(self, model: Any, rows: list[StepRow], *, num_columns: int) -> Tensor:
        """Return logprobs_B_T of the rows' completions under `model`; T is `num_columns`, 0 behind their ends."""
        logprobs_B_T = torch.zeros(len(rows), num_columns, device=self._accelerator.device)
        self._attempt(lambda: self._score(model, rows, logprobs_B_T), undo=logprobs_B_T.zero_, is_training=False)
        return logprobs_B_T

    def with_policy_scores(self, model: Any, rows: list[StepRow]) -> list[StepRow]:
        """Return the rows, those that the step will pass through `model` with their log-probabilities under it."""
        passed = self._passed(rows)
        num_columns = max((len(row.completion_ids) for row in passed), default=1)
        scored = dict(zip(map(id, passed), self.score(model, passed, num_columns=num_columns), strict=True))
        return [
            replace(row, policy_logprobs=scored[id(row)][: len(row.completion_ids)]) if id(row) in scored else row
            for row in rows
        ]

    def add_gradients(self, model: Any, rows: list[StepRow]) -> StepSums:
        """Run forward and backward over all rows, and return the sums of this rank."""
        sums = self._attempt(lambda: self._add_gradients(model, rows), undo=model.zero_grad, is_training=True)
        if isinstance(model, DistributedDataParallel):
            self.budget.once(lambda: self._exchange_gradients(model), is_training=False)
        return sums

    def means(self, sums: StepSums, rows: Sequence[StepRow]) -> dict[str, float]:
        """Return the metrics of a step from the sums and the rows of each rank (see `step_means`)."""
        num_tokens = sum(gather_object([sum(len(row.completion_ids) for row in rows)]))
        means = step_means(
            sums, num_completion_tokens=num_tokens, reduce=self._accelerator.reduce, gather=gather_object
        )
        return means if self._has_reference else {name: value for name, value in means.items() if name != "kl"}

    def on_any_rank(self, is_so: bool) -> bool:
        """Return whether something is so on any rank, so that all of them decide alike."""
        return any(gather_object([is_so]))

    def lay_out(self, rows: list[StepRow]) -> MicroBatch:
        """Return the tensors of one micro-batch on the device."""
        return self.budget.layout.lay_out(rows, pad_id=self._pad_id, device=self._accelerator.device)

    def _attempt(self, attempt: Callable[[], T], *, undo: Callable[[], object], is_training: bool) -> T:
        """Return what `attempt` returns, redone where memory runs out, unless it has left other ranks in a layer."""
        if self._is_sharded:
            return self.budget.once(attempt, is_training=is_training)
        return self.budget.redo(attempt, undo=undo, is_training=is_training)

    def _score(self, model: Any, rows: list[StepRow], logprobs_B_T: Tensor) -> None:
        cut = self._cut(rows)
        (idle,) = fill_up([], count=1, pad_id=self._pad_id)
        for numbers in cut + [[]] * (self._num_passes(len(cut)) - len(cut)):
            chosen = [rows[number] for number in numbers] or idle
            with self.budget.running(chosen), self._accelerator.autocast():
                scored = score_micro_batch(model, self.lay_out(chosen), temperature=self.settings.temperature)
            if numbers:
                logprobs_B_T[numbers, : scored.shape[1]] = scored

    def _add_gradients(self, model: Any, rows: list[StepRow]) -> StepSums:
        taught = self._passed(rows)
        micro_batches = [[taught[number] for number in numbers] for numbers in self._cut(taught)]
        num_passes = max(1, self._num_passes(len(micro_batches)))
        micro_batches = fill_up(micro_batches, count=num_passes, pad_id=self._pad_id)
        # DDP's own forward pass sends buffers around, and new buckets once; the module in it meets nobody.
        alone = model.module if isinstance(model, DistributedDataParallel) else model
        totals: StepSums | None = None
        for index, micro_batch_rows in enumerate(micro_batches):
            with (
                self.budget.running(micro_batch_rows),
                self._accelerator.autocast(),
                self._gradient_sync(alone, is_last=index == len(micro_batches) - 1),
            ):
                sums = train_micro_batch(
                    alone,
                    self.lay_out(micro_batch_rows),
                    settings=self.settings,
                    backward=self._accelerator.backward,
                )
            totals = sums if totals is None else totals + sums
        assert totals is not None
        return totals

    def _passed(self, rows: list[StepRow]) -> list[StepRow]:
        """Return the rows that may have a gradient, by the settings as a plug-in of `after_step` left them."""
        skips = self._skip_zero_advantage and not self.settings.needs_every_row
        return rows_that_teach(rows) if skips else rows

    def _exchange_gradients(self, model: DistributedDataParallel) -> None:
        """Add a token that teaches nothing: DDP exchanges what the weights have gathered in its backward pass only."""
        (idle,) = fill_up([], count=1, pad_id=self._pad_id)
        with self.budget.running(idle), self._accelerator.autocast():
            train_micro_batch(model, self.lay_out(idle), settings=self.settings, backward=self._accelerator.backward)

    def _cut(self, rows: list[StepRow]) -> list[list[int]]:
        return self.budget.cut([row.num_tokens for row in rows])

    def _num_passes(self, own: int) -> int:
        """Return how many passes this rank has to make: as many as any other, where ranks meet in them."""
        return max(gather_object([own])) if self._is_sharded else own

    def _gradient_sync(self, model: Any, *, is_last: bool) -> AbstractContextManager[Any]:
        return self._accelerator.no_sync(model) if self._is_sharded and not is_last else nullcontext()
