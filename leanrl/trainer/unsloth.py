"""UnslothTrainer: leanrl's scoring, rollouts and checkpoints around the loss that unsloth has put into TRL.

Where unsloth was imported first, `trl.GRPOTrainer` is the class that it generated. That class keeps TRL's loop and
calls the methods named here and in `LeanGRPOTrainer`; it never calls `_compute_loss`, and without entropies.
"""

import time
from typing import Any

import torch
from torch import Tensor
from trl import GRPOTrainer

from leanrl.trainer.batch_rows import batch_rows
from leanrl.trainer.grpo import LeanGRPOTrainer


class UnslothTrainer(LeanGRPOTrainer):
    """LeanGRPOTrainer without leanrl's engine: micro-batches are TRL's, forward and backward unsloth's."""

    _get_per_token_logps_and_entropies = GRPOTrainer._get_per_token_logps_and_entropies

    def _prepare_model(self) -> None:
        """Leave the model as unsloth made it; its head and its layers are not the engine's."""
        self._step_seconds, self._step_loss, self._step_rows_so_far = 0.0, torch.zeros(()), []

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        batch = GRPOTrainer._prepare_inputs(self, generation_batch)
        self._step_rows_so_far += batch_rows(batch)
        return batch

    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[Any, Any]:
        """Sample with unsloth's kernels for inference; they stay on, and checkpointing off, until they are told."""
        self.model.for_inference()
        try:
            return super()._generate_single_turn(prompt_ids)
        finally:
            self.model.for_training()

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Return the loss of one micro-batch; at the last of a step, look at all of it."""
        started = time.perf_counter()
        with self.meter.phase("forward_backward"):
            loss = GRPOTrainer.training_step(self, model, inputs, num_items_in_batch)
        self._step_seconds += time.perf_counter() - started
        self._step_loss = self._step_loss.to(loss.device) + loss.detach()
        if not self.accelerator.sync_gradients:
            return loss
        return self._end_step(model, loss)

    def _end_step(self, model: Any, last_loss: Tensor) -> Tensor:
        loss, rows = self._step_loss, self._step_rows_so_far
        self._record("seconds/step", self._step_seconds)
        self.last_advantages = [row.advantage for row in rows]
        self._step_seconds, self._step_loss, self._step_rows_so_far = 0.0, torch.zeros(()), []
        checked = self._checked_loss(model, loss, rows)
        self.meter.begin("optimizer_step")
        return last_loss if checked is loss else checked
