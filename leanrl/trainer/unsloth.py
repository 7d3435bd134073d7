"""UnslothTrainer: leanrl's scoring, rollouts and checkpoints around the loss that unsloth has put into TRL.

Where unsloth was imported first, `trl.GRPOTrainer` is the class that it generated. That class keeps TRL's loop and
calls the methods named here and in `LeanGRPOTrainer`; it never calls `_compute_loss`, and without entropies.
"""

import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from trl import GRPOTrainer

from leanrl.engine.rows import StepRow
from leanrl.errors import ConfigError
from leanrl.trainer.batch_rows import batch_rows
from leanrl.trainer.grpo import LeanGRPOTrainer


class UnslothTrainer(LeanGRPOTrainer):
    """LeanGRPOTrainer without leanrl's engine: micro-batches are TRL's, forward and backward unsloth's."""

    _get_per_token_logps_and_entropies = GRPOTrainer._get_per_token_logps_and_entropies

    def _prepare_model(self) -> None:
        """Leave the model as unsloth made it; its head and its layers are not the engine's."""
        require_padding_apart(self._tokenizer, self.eos_token_ids, model=self.lean_config.model.id)
        self._begin_step()

    def _begin_step(self) -> None:
        """Start to gather what the micro-batches of a step leave."""
        self._seconds = 0.0
        self._losses: list[Tensor] = []
        self._rows: list[StepRow] = []

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        batch = GRPOTrainer._prepare_inputs(self, generation_batch)
        self._rows += batch_rows(batch)
        return batch

    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[Any, Any]:
        """Sample with unsloth's kernels for inference; they stay on, and checkpointing off, until they are told."""
        self.model.for_inference()
        try:
            return super()._generate_single_turn(prompt_ids)
        finally:
            self.model.for_training()

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Return the loss of one micro-batch, 0 for the last one of a step that must not be taken."""
        started, ends_step = time.perf_counter(), self.accelerator.sync_gradients
        with self.meter.phase("forward_backward"):
            loss = GRPOTrainer.training_step(self, model, inputs, num_items_in_batch)
            self._losses.append(loss.detach())
            if ends_step:
                whole = torch.stack(self._losses).sum()
                loss = loss if self._checked_loss(model, whole, self._rows) is whole else torch.zeros_like(loss)
        self._seconds += time.perf_counter() - started
        if ends_step:
            self._record("seconds/step", self._seconds)
            self._begin_step()
            self.meter.begin("optimizer_step")
        return loss


def require_padding_apart(tokenizer: PreTrainedTokenizerBase, stop_ids: Sequence[int], *, model: str) -> None:
    """Check that padding ends no answer: unsloth finds padding by its token, and would train no answer to end.

    Raises:
        ConfigError: naming the token that is both.
    """
    if tokenizer.pad_token_id in stop_ids:
        raise ConfigError(
            f"the tokenizer of {model} pads with {tokenizer.pad_token}, which also ends an answer; unsloth takes "
            "padding for padding wherever it lies, and would leave the end of answers out of the loss.",
            hint="save a copy of the model whose tokenizer_config.json names another pad_token, or -s backend=hf",
        )
