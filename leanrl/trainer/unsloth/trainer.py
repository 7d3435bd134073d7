"""UnslothTrainer: leanrl's scoring, rollouts and checkpoints around the loss that unsloth has put into TRL.

Where unsloth was imported first, `trl.GRPOTrainer` is the class that it generated. That class keeps TRL's loop and
calls the methods named here and in `LeanGRPOTrainer`; it never calls `_compute_loss`, and without entropies.

Axes: B completions, T completion tokens, W columns of unsloth's log-probabilities.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
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
from leanrl.ledger.recorded import RecordedLedger
from leanrl.seams.protocols import Draft
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.passes.step_means import mismatch_means
from leanrl.trainer.rollouts.training_side import TrainingSide
from leanrl.trainer.scoring.reward_failure import saving_before_reward_errors
from leanrl.trainer.scoring.scoring import ScoredGroup
from leanrl.trainer.step.groups import Asked, padded, visit_of
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.trainer.unsloth.batch_rows import batch_rows
from leanrl.trainer.unsloth.scorer import UnslothScorer
from leanrl.types import Row, prompt_id


class UnslothTrainer(LeanGRPOTrainer):
    """LeanGRPOTrainer without leanrl's engine: micro-batches are TRL's, forward and backward unsloth's."""

    def _prepare_steps(self) -> None:
        """Leave the model as unsloth made it; its head and its layers are not the engine's."""
        require_padding_apart(self._tokenizer, self.stopping.stop_ids, model=self.lean_config.model.id)
        # unsloth's loss corrects the rollouts of a vLLM and of nothing else. Given as an argument it starts TRL's own.
        self.use_vllm = self.vllm_importance_sampling_correction
        self.recorded = RecordedLedger(self.run if self.accelerator.is_main_process else None)
        self.publishing.own_files.append(lambda folder: self.recorded.save(folder, step=self.state.global_step))
        self._begin_step()

    def _get_per_token_logps_and_entropies(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Return unsloth's log-probabilities of the policy that has sampled: it had no dropout."""
        with without_dropout(model):
            return GRPOTrainer._get_per_token_logps_and_entropies(self, model, *args, **kwargs)

    def training_side(self) -> TrainingSide:
        """Return what an engine is opened for, whose rollouts are tested against unsloth's log-probabilities."""
        scorer = UnslothScorer(self.score_completion, pad_id=self._tokenizer.pad_token_id)
        return replace(super().training_side(), scorer=scorer)

    def score_completion(self, prompt_ids: list[int], token_ids: list[int], *, temperature: float) -> list[float]:
        """Return unsloth's log-probabilities, in nats, of a completion at a temperature."""
        input_ids_1_S = torch.tensor([prompt_ids + token_ids], device=self.accelerator.device)
        trained_at, self.temperature = self.temperature, temperature
        try:
            with torch.no_grad():
                logprobs_1_T, *_ = self._get_per_token_logps_and_entropies(
                    self.model, input_ids_1_S, torch.ones_like(input_ids_1_S), len(token_ids)
                )
        finally:
            self.temperature = trained_at
        scores: list[float] = logprobs_1_T[0].float().tolist()
        return scores

    def _begin_step(self) -> None:
        """Start to gather what the micro-batches of a step leave."""
        self._seconds = 0.0
        self._losses: list[Tensor] = []
        self._rows: list[StepRow] = []

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        batch = GRPOTrainer._prepare_inputs(self, generation_batch)
        self._rows += batch_rows({**batch, **unpacked_logprobs(batch)})
        return batch

    def save_own_part(self, folder: Path) -> None:
        """Write nothing: completions that are not used up lie in TRL's buffer, so no checkpoint comes between them."""

    def load_steps(self, checkpoint: Path, step: int) -> None:
        self._step = step * self.args.gradient_accumulation_steps
        self.recorded.restore(checkpoint)
        self.to_begin.append(self.recorded.rewind_copy)

    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[Any, Any]:
        """Return completions and their sampled log-probs, which TRL hands on as `sampling_per_token_logps`.

        They are sampled with unsloth's kernels for inference, or by vLLM. The kernels stay on, and checkpointing off,
        until they are told.
        """
        if self.lean_config.rollout.engine == "hf":
            self.model.for_inference()
        try:
            drawn = self.draw(prompt_ids)
        finally:
            if self.lean_config.rollout.engine == "hf":
                self.model.for_training()
        return drawn.completion_ids_B, drawn.logprobs_B

    def _calculate_rewards(
        self,
        inputs: list[dict[str, Any]],
        prompts: list[Any],
        completions: list[Any],
        completion_ids_list: list[list[int]],
    ) -> Tensor:
        """Return rewards_B_K of all ranks, NaN where one skips, as TRL's method does; grade each completion once."""
        size = self.num_generations
        starts = range(0, len(inputs), size)
        completion_ids_P_G = [completion_ids_list[start : start + size] for start in starts]
        asked = [_asked(inputs[start]["row"], self.rows[inputs[start]["row"]], size) for start in starts]
        log = RolloutLog()
        with saving_before_reward_errors(self):
            log.groups = self.scorer.score(
                asked,
                completion_ids_P_G,
                ledger=self.recorded.ledger,
                max_completion_tokens=self.lean_config.rollout.max_completion_tokens,
            )
        self.record(self.scorer.metrics(log.groups))
        self._remember(log.groups, completion_ids_P_G)
        log.columns = self.scorer.logs.take_columns()
        self.rollout_log = log
        rewards_B_K = torch.tensor(
            [row for group in log.groups for row in group.reward_numbers],
            dtype=torch.float32,
            device=self.accelerator.device,
        )
        return self.accelerator.gather(rewards_B_K)

    def _remember(self, scored: Sequence[ScoredGroup], completion_ids_P_G: Sequence[Sequence[list[int]]]) -> None:
        """Put the groups of a rollout into the ledger, under the number of steps that are finished."""
        step, epoch = self.state.global_step, int(self.state.epoch or 0)
        groups = [
            one.finished(ids_G, None, rng=Random(self.lean_config.train.seed))
            for one, ids_G in zip(scored, completion_ids_P_G, strict=True)
        ]
        asked = [self.rows[one.asked.row_number] for one in scored]
        self.recorded.record(
            [(group.prompt_id, visit_of(group, step=step, epoch=epoch)) for group in groups],
            problems={prompt_id(row): row.problem for row in asked},
        )

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """Return TRL's batch with our advantages in it; TRL's own remain in what it logs."""
        batch = super()._generate_and_score_completions(inputs)
        groups = self.rollout_log.groups
        own = [(group.sums_G, [sample.num_tokens for sample in group.samples_G]) for group in groups]
        everybody, place = self.scorer.ranks.share(own)
        sums_P_G, lengths_P_G = (padded([pair[number] for pair in everybody], filler=0.0) for number in (0, 1))
        self.record({"unscored_share": sums_P_G.isnan().float().mean().item()})
        own_P_G = self.algorithm.advantages(sums_P_G, lengths_P_G)[place]
        self.rollout_log.advantages_P_G = own_P_G.tolist()
        return {**batch, "advantages": own_P_G.flatten().to(self.accelerator.device)}

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Return the loss of one micro-batch, 0 for the last one of a step that must not be taken."""
        started, ends_step = time.perf_counter(), self.accelerator.sync_gradients
        with self.meter.phase("forward_backward"):
            loss = GRPOTrainer.training_step(self, model, inputs, num_items_in_batch)
            self._losses.append(loss.detach())
            if ends_step:
                whole = torch.stack(self._losses).sum()
                checked = self.skipped.checked(model, whole, self._rows, step=self.state.global_step + 1)
                loss = loss if checked is whole else torch.zeros_like(loss)
                self._note_skipped_steps()
        self._seconds += time.perf_counter() - started
        if ends_step:
            self.record({"seconds/step": self._seconds})
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
        self.record(mismatch_means(ratios, gather=gather_object))


def _asked(number: int, row: Row, num_completions: int) -> Asked:
    return Asked(number, prompt_id(row), prompt_ids=[], drafts_G=[Draft()] * num_completions)


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
