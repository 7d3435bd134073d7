"""LeanGRPOTrainer: TRL's GRPOTrainer with our engine in it.

TRL keeps what it is good at: ranks, sampling of prompts, generation, advantages, the loop, the optimizer.
Ours are the scoring of completions, the loss and its micro-batches, and the checkpoints. The seams are held
by tests/trainer/test_trl_contract.py.

Axes: B completions of one rank, T completion tokens, K rewards.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from peft import PeftModel
from torch import Tensor
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import TrainerState
from trl import GRPOTrainer

from leanrl.algorithms.advantages import group_advantages, summed_rewards
from leanrl.algorithms.aggregation import completion_weights
from leanrl.config.schema import RunConfig
from leanrl.engine.layers.adapter_dropout import has_adapter_dropout, without_dropout
from leanrl.engine.layers.kept_layers import keep_last_layers
from leanrl.engine.optimizers.choice import keeps_to_parts
from leanrl.engine.prepare import prepare_model
from leanrl.engine.rows import StepRow
from leanrl.engine.settings import loss_settings
from leanrl.engine.step import StepSums
from leanrl.errors import RewardError, StoppedError
from leanrl.planner.prediction import Plan
from leanrl.prompting.generation import generation_to_save
from leanrl.prompting.rendering import prompt_ids
from leanrl.prompting.stopping import stopping_of
from leanrl.prompting.thinking import tag_in_force
from leanrl.rewards.weighted import Reward
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.hub import CheckpointUploads
from leanrl.trainer.checkpoints.restore import check_optimizer, check_shards, restore_weights
from leanrl.trainer.checkpoints.upkeep import checkpoint_bytes, is_full_disk, stop_for_full_disk
from leanrl.trainer.memory.gauges import choose_gauge
from leanrl.trainer.memory.out_of_memory import stop_among_ranks, stop_for_memory
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.trainer.memory.token_budget import Shortage, TokenBudget
from leanrl.trainer.memory.unused_memory import give_back_unused
from leanrl.trainer.ranks.part_files import part_files
from leanrl.trainer.rollouts.engines import open_rollout, sampling_of
from leanrl.trainer.step.batch_rows import bare_rows, batch_rows, split_batch
from leanrl.trainer.step.clean_scores import CleanScores
from leanrl.trainer.step.completions import CompletionScorer, NamedReward, completions_of, offers_of
from leanrl.trainer.step.nonfinite import NonfiniteSteps
from leanrl.trainer.step.reference import prepare_reference
from leanrl.trainer.step.reward_failure import stop_for_reward
from leanrl.trainer.step.scoring import Ranks, Scores
from leanrl.trainer.step.step_means import step_means
from leanrl.trainer.step.step_pass import StepPass
from leanrl.types import Grader, Row, Sample


class LeanGRPOTrainer(GRPOTrainer):
    """GRPO whose loss is computed by `engine.step`.

    Args (besides those of GRPOTrainer):
        config: the resolved configuration.
        rows: the problems; the dataset's column `row` numbers them.
        rewards: what scores a completion, in the order of `config.rewards`.
        grader: judges answers for the rewards that ask for it.
        run: the run folder that receives checkpoints.
        plan: what was planned for this machine; None where no plan could be made.
        uploads: what sends complete checkpoints to the Hub; None sends nothing.
    """

    def __init__(
        self,
        *,
        config: RunConfig,
        rows: Sequence[Row],
        rewards: Sequence[Reward],
        grader: Grader,
        run: RunFolder,
        plan: Plan | None = None,
        uploads: CheckpointUploads | None = None,
        **trl_arguments: Any,
    ) -> None:
        self.meter = PhaseMeter(choose_gauge(trl_arguments["args"].device), first="load")
        self.stopping = stopping_of(trl_arguments["processing_class"], trl_arguments["model"])
        super().__init__(reward_funcs=[NamedReward(reward.name) for reward in rewards], **trl_arguments)
        self._keep_to_stopping()
        self.visit = prepare_reference(self, config.train, folder=run.path)
        self.lean_config = config
        self.rows = rows
        self.run = run
        self.plan = plan
        self.uploads = uploads
        asked = prompt_ids(self._tokenizer, rows[0].prompt, config.model.chat_template_kwargs)
        self.opened_tag = tag_in_force(config.model.thinking_tag, self._tokenizer.decode(asked))
        self.scorer = CompletionScorer(
            rows=rows,
            rewards=list(rewards),
            grader=grader,
            ranks=Ranks(self.num_generations, self.accelerator.process_index, gather_object),
            opened_tag=self.opened_tag,
            language=config.log.language,
            stop_ids=self.stopping.stop_ids,
            max_completion_tokens=self.max_completion_length,
            gather=gather_object,
            record=self._record,
        )
        self.last_scores: Scores | None = None
        self.last_samples: list[Sample] = []
        self.last_advantages: list[float] = []
        self.rollout = open_rollout(config, self)
        self.budget = TokenBudget(
            config.train,
            gather=gather_object,
            give_up=self._give_up,
            leave=self._leave_other_ranks,
            keep=lambda count: keep_last_layers(self._bare, count),
            fills_first=config.model.tuning.method == "full",
        )
        self.step_pass = StepPass(
            self.accelerator,
            budget=self.budget,
            settings=loss_settings(config),
            pad_id=self.stopping.pad_id,
            skip_zero_advantage=config.train.skip_zero_advantage,
        )
        self.nonfinite = NonfiniteSteps(
            run, rank=self.accelerator.process_index, max_in_a_row=config.train.max_nonfinite_steps
        )
        self._prepare_model()
        self.clean_scores = CleanScores(self.step_pass, has_dropout=has_adapter_dropout(self.model), meter=self.meter)
        self.meter.end()

    def _keep_to_stopping(self) -> None:
        """Let TRL take completions for ended where rollouts end them, and checkpoints name the same end tokens."""
        self.eos_token_ids = list(self.stopping.stop_ids)
        self._bare.generation_config = generation_to_save(self._bare, self.stopping)

    @property
    def _bare(self) -> Any:
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    def _prepare_model(self) -> None:
        prepare_model(self._bare, self.lean_config.train)

    def train_from(self, checkpoint: Path | None) -> None:
        """Train to the end, from the start or from a checkpoint; one of the last step is only loaded.

        transformers takes one step too many when it resumes at `max_steps`.

        Raises:
            StoppedError: if too many steps in a row were not finite, or one completion does not fit.
        """
        if checkpoint is None:
            self.train()
            self.nonfinite.require_few()
            return
        for folder in (checkpoint, *self.run.token_budgets()):
            self.budget.load(folder)
        saved = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
        if saved.global_step < self.args.max_steps:
            # Where it lies between the steps of a rollout, the rest of them draw others for the same prompts.
            self._step = saved.global_step * self.args.gradient_accumulation_steps
            self.train(resume_from_checkpoint=str(checkpoint))
            self.nonfinite.require_few()
        else:
            self._load_from_checkpoint(str(checkpoint))
            self.state = saved

    # --- scoring -----------------------------------------------------------------------------------------

    def _calculate_rewards(
        self,
        inputs: list[dict[str, Any]],
        prompts: list[Any],
        completions: list[Any],
        completion_ids_list: list[list[int]],
    ) -> Tensor:
        """Return rewards_B_K of all ranks, NaN where one skips, as TRL's method does; grade each completion once."""
        with self.meter.phase("grading"):
            completed = completions_of(inputs, completions, completion_ids_list, self._tokenizer)
            try:
                self.last_samples, self.last_scores = self.scorer.score(completed, offers=offers_of(self))
            except RewardError as error:
                if self.accelerator.num_processes == 1:  # the other ranks would not come to the checkpoint
                    self._save_what_is_trained()
                raise stop_for_reward(self.run, error) from error
        rewards_B_K = torch.tensor(self.last_scores.numbers, dtype=torch.float32, device=self.accelerator.device)
        gathered_B_K = self.accelerator.gather(rewards_B_K)
        self._summed_rewards_B = summed_rewards(gathered_B_K, self.reward_weights.to(gathered_B_K))
        self._record("unscored_share", self._summed_rewards_B.isnan().float().mean().item())
        return gathered_B_K

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """Return TRL's batch with our advantages in it; TRL's own remain in what it logs."""
        version = self.state.global_step
        batch = super()._generate_and_score_completions(inputs)
        batch = self.clean_scores.of_rollout(self.model, batch, version=version)
        algorithm = self.lean_config.algorithm
        advantages_B = group_advantages(
            self._summed_rewards_B,
            group_size=self.num_generations,
            baseline=algorithm.advantage_baseline,
            scale=algorithm.advantage_scale,
        )
        first = self.accelerator.process_index * len(inputs)
        own_B = advantages_B[first : first + len(inputs)]
        self.last_advantages = own_B.tolist()
        return {**batch, "advantages": own_B}

    # --- one step ----------------------------------------------------------------------------------------

    def _generate(self, prompts: list[Any]) -> Any:
        give_back_unused(self.accelerator.device)  # a colocated vLLM wakes in pools of its own
        with self.meter.phase("rollout"):
            return super()._generate(prompts)

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        """Return this rank's batch of the step: a part of its rollout, in the order of its prompts.

        A rollout serves `config.steps_per_rollout` steps, which go through its parts in turn.
        TRL shuffles rows between micro-batches here; the paper's TRL did not, and our weights do not care.
        """
        if self._step % self.lean_config.steps_per_rollout == 0 or self._buffered_inputs is None:
            rollout = self._generate_and_score_completions(generation_batch)
            self._buffered_inputs = split_batch(rollout, num_parts=self.lean_config.train.updates_per_rollout)
        return self._buffered_inputs[self._step % len(self._buffered_inputs)]

    def _generate_single_turn(self, prompt_ids: list[list[int]], *_: Any, **__: Any) -> tuple[Any, Any]:
        """Return completions and their sampled log-probs, which TRL hands on as `sampling_per_token_logps`."""
        sampling = sampling_of(
            self.lean_config, max_completion_tokens=self.max_completion_length, stop_token_ids=self.stopping.stop_ids
        )
        try:
            drawn = self.rollout.draw(prompt_ids, step=self.state.global_step, sampling=sampling)
        except StoppedError:
            self._save_what_is_trained()
            raise
        for name, value in drawn.measures.items():
            self._record(name, value)
        return drawn.completion_ids_B, drawn.logprobs_B

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        **_: Any,
    ) -> tuple[Tensor, None, None]:
        """Return logprobs_B_T as TRL wants them (old and reference policy), computed by the engine's rows."""
        rows = bare_rows(input_ids, attention_mask, input_ids.shape[1] - logits_to_keep)
        with self.meter.phase("reference"), self.visit(model), without_dropout(model):
            return self.step_pass.score(model, rows, num_columns=logits_to_keep), None, None

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Generate, score, and run forward and backward over the micro-batches of the step.

        Returns this rank's share of the loss times the number of ranks: their mean is the loss of the step.
        """
        with self._timed("step"):
            model.train()
            batch = self._prepare_inputs(inputs)
            rows = self._step_rows(batch)
            rows = self.clean_scores.of_step(self.model, rows, version=self.state.global_step)
            with self.meter.phase("forward_backward"):
                totals = self.step_pass.add_gradients(model, rows)
                self._log_sums(totals, rows)
                loss = self._checked_loss(model, totals.loss, rows)
        self.meter.begin("optimizer_step")  # transformers clips and steps next; StepRecorder closes the phase
        self._step += 1
        return loss

    def _checked_loss(self, model: Any, loss: Tensor, rows: list[StepRow]) -> Tensor:
        """Return the loss, or 0 and no gradients where one of them is not finite; ask for the end after too many."""
        step = self.state.global_step + 1
        is_taken = self.nonfinite.passes(model, loss, rows, step=step, reduce=self._sum_over_ranks)
        self._record("nonfinite_steps", self.nonfinite.in_a_row)
        self._record("out_of_memory", self.budget.num_shortages)
        if self.nonfinite.are_too_many:
            self.control.should_save = True
            self.control.should_training_stop = True
        return loss if is_taken else torch.zeros_like(loss)

    def _step_rows(self, batch: dict[str, Any]) -> list[StepRow]:
        rows = batch_rows(batch)
        weights = self._weights([len(row.completion_ids) for row in rows])
        return [replace(row, weight=weight) for row, weight in zip(rows, weights, strict=True)]

    def _weights(self, lengths: list[int]) -> list[float]:
        """Return this rank's completion weights, times the number of ranks, over which gradients are averaged."""
        weights = completion_weights(
            gather_object(lengths),
            group_size=self.num_generations,
            aggregation=self.lean_config.algorithm.aggregation,
            max_completion_tokens=self.max_completion_length,
        )
        first = self.accelerator.process_index * len(lengths)
        return [weight * self.accelerator.num_processes for weight in weights[first : first + len(lengths)]]

    def _sum_over_ranks(self, values: Tensor) -> Tensor:
        return self.accelerator.reduce(values, reduction="sum")

    # --- metrics -----------------------------------------------------------------------------------------

    def _record(self, name: str, value: float) -> None:
        self._metrics["train"][name].append(value)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._record(f"seconds/{name}", time.perf_counter() - started)

    def _log_sums(self, sums: StepSums, rows: list[StepRow]) -> None:
        num_tokens = sum(gather_object([sum(len(row.completion_ids) for row in rows)]))
        means = step_means(sums, num_completion_tokens=num_tokens, reduce=self._sum_over_ranks, gather=gather_object)
        for name, value in means.items():
            if name != "kl" or self.beta != 0.0:
                self._record(name, value)

    # --- checkpoints -------------------------------------------------------------------------------------

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write none: a card belongs to a merged model, not to every checkpoint."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save as TRL does, beside; then mark the checkpoint complete, give it its name and send it off.

        Raises:
            StoppedError: if the disk is full; what was complete before stays.
        """
        try:
            with self.meter.phase("save"):
                super()._save_checkpoint(model, trial)
                self.accelerator.wait_for_everyone()
                if self.accelerator.is_main_process:
                    self._publish(self.state.global_step)
        except Exception as error:
            if not is_full_disk(error):
                raise
            needed_bytes = checkpoint_bytes(self.model, self.lean_config.optimizer.name)
            raise stop_for_full_disk(self.run, step=self.state.global_step, needed_bytes=needed_bytes) from error
        self.accelerator.wait_for_everyone()

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        with self._optimizer_files():
            super()._save_optimizer_and_scheduler(output_dir)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Put the weights of a checkpoint back, and refuse one that does not fit in every tensor."""
        policy, checkpoint = self.accelerator.unwrap_model(self.model), Path(resume_from_checkpoint)
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            check_shards(policy, checkpoint)
        else:
            restore_weights(policy, checkpoint)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with self._optimizer_files():
            super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            check_optimizer(self.optimizer, Path(checkpoint))

    def _optimizer_files(self) -> AbstractContextManager[None]:
        return part_files() if keeps_to_parts(self.lean_config.optimizer) else nullcontext()

    def _give_up(self, shortage: Shortage) -> StoppedError:
        self._save_what_is_trained()
        return stop_for_memory(self.lean_config, self.run, step=self.state.global_step + 1, shortage=shortage)

    def _leave_other_ranks(self, shortage: Shortage) -> StoppedError:
        """Keep the smaller budget where a resumed run finds it; a checkpoint would take all ranks."""
        rank, step = self.accelerator.process_index, self.state.global_step + 1
        self.budget.save(self.run.new_token_budget(rank))
        return stop_among_ranks(self.lean_config, self.run, budget=self.budget, step=step, shortage=shortage)

    def _save_what_is_trained(self) -> None:
        """Leave a checkpoint of the last finished step, so that a stop before the next loses nothing."""
        step = self.state.global_step
        if step > 0 and self.run.checkpoint(step) not in self.run.complete_checkpoints():
            self._save_checkpoint(self.model, None)

    def _publish(self, step: int) -> None:
        written = Path(self.args.output_dir) / f"checkpoint-{step}"
        (written / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
        self.budget.save(written)
        if self.uploads is not None:
            self.uploads.name_base(written)
        checkpoint = self.run.publish_checkpoint(written, step)
        if self.uploads is not None:
            self.uploads.push(checkpoint, step=step)
        self.run.drop_old_checkpoints(self.lean_config.checkpoints.keep_last, step=step)
