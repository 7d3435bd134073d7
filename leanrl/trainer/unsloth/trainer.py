"""UnslothTrainer: leanrl's scoring, rollouts and checkpoints around the loss that unsloth has put into TRL.

Where unsloth was imported first, `trl.GRPOTrainer` is the class that it generated. That class keeps TRL's loop and
calls the methods named here and in `LeanGRPOTrainer`; it never calls `_compute_loss`, and without entropies.

Axes: B completions, T completion tokens, W columns of unsloth's log-probabilities.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from trl import GRPOTrainer

from leanrl.algorithms.corrections import log_ratios
from leanrl.engine.layers.adapter_dropout import without_dropout
from leanrl.engine.rows import StepRow
from leanrl.errors import ConfigError
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.step.batch_rows import batch_rows
from leanrl.trainer.step.step_means import mismatch_means


class UnslothTrainer(LeanGRPOTrainer):
    """LeanGRPOTrainer without leanrl's engine: micro-batches are TRL's, forward and backward unsloth's."""

    def _prepare_model(self) -> None:
        """Leave the model as unsloth made it; its head and its layers are not the engine's."""
        require_padding_apart(self._tokenizer, self.stopping.stop_ids, model=self.lean_config.model.id)
        # unsloth's loss corrects the rollouts of a vLLM and of nothing else. Given as an argument it starts TRL's own.
        self.use_vllm = self.vllm_importance_sampling_correction
        self._begin_step()

    def _get_per_token_logps_and_entropies(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Return unsloth's log-probabilities of the policy that has sampled: it had no dropout."""
        with without_dropout(model):
            return GRPOTrainer._get_per_token_logps_and_entropies(self, model, *args, **kwargs)

    def _begin_step(self) -> None:
        """Start to gather what the micro-batches of a step leave."""
        self._seconds = 0.0
        self._losses: list[Tensor] = []
        self._rows: list[StepRow] = []

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        batch = GRPOTrainer._prepare_inputs(self, generation_batch)
        self._rows += batch_rows({**batch, **unpacked_logprobs(batch)})
        return batch

    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[Any, Any]:
        """Sample with unsloth's kernels for inference, or ask vLLM.

        The kernels stay on, and checkpointing off, until they are told.
        """
        if self.lean_config.rollout.engine != "hf":
            return super()._generate_single_turn(prompt_ids)
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
            self._record_mismatch()
            self._begin_step()
            self.meter.begin("optimizer_step")
        return loss

    def _record_mismatch(self) -> None:
        """Record how far vLLM's log-probabilities are from those that unsloth's correction compares them with."""
        ratios = [
            log_ratios(row.sampled_logprobs, row.rollout_logprobs)
            for row in self._rows
            if row.sampled_logprobs is not None and row.rollout_logprobs is not None
        ]
        for name, value in mismatch_means(ratios, gather=gather_object).items():
            self._record(name, value)


def unpacked_logprobs(batch: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return unsloth's log-probabilities of a batch with each completion's first in column 0, 0 behind its end.

    unsloth moves a prompt's padding behind the completion: its W columns are T and the longest padding, and a
    completion stands as far left of their end as its own prompt is padded.
    """
    mask_B_T, prompt_mask = batch["completion_mask"], batch["prompt_mask"]
    num_pads_B = prompt_mask.shape[1] - prompt_mask.sum(dim=1)
    unpacked = {}
    for name in ("old_per_token_logps", "ref_per_token_logps"):
        logprobs_B_W = batch.get(name)
        if logprobs_B_W is not None:
            first_B = logprobs_B_W.shape[1] - mask_B_T.shape[1] - num_pads_B
            columns_B_T = first_B[:, None] + torch.arange(mask_B_T.shape[1], device=mask_B_T.device)
            unpacked[name] = logprobs_B_W.gather(1, columns_B_T) * mask_B_T
    return unpacked


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
