"""LeanGRPOTrainer: the border to TRL's GRPOTrainer.

TRL keeps what it is good at: ranks, the loop, the optimizer, the reference's copy, files. What happens in a step is
`trainer.step`; the loss and its micro-batches are the engine's; checkpoints are ours. The seams are held by
tests/trainer/test_trl_contract.py.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from peft import PeftModel
from torch import Tensor
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_callback import TrainerState
from trl import GRPOTrainer

from leanrl.config.schema import RunConfig
from leanrl.engine.layers.kept_layers import keep_last_layers
from leanrl.engine.optimizers.choice import keeps_to_parts
from leanrl.engine.prepare import prepare_model
from leanrl.engine.rows import StepRow
from leanrl.engine.settings import loss_settings
from leanrl.engine.step import StepSums
from leanrl.errors import RewardError, StoppedError
from leanrl.planner.prediction import Plan
from leanrl.prompting.generation import generation_to_save
from leanrl.prompting.stopping import stopping_of
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
from leanrl.trainer.passes.empty_steps import EmptySteps
from leanrl.trainer.passes.nonfinite import NonfiniteSteps
from leanrl.trainer.passes.reference import prepare_reference
from leanrl.trainer.passes.step_means import step_means
from leanrl.trainer.passes.step_pass import StepPass
from leanrl.trainer.ranks.part_files import part_files
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.rollouts.engines import open_rollout, sampling_of
from leanrl.trainer.rollouts.training_side import TrainingSide
from leanrl.trainer.scoring.reward_failure import stop_for_reward
from leanrl.trainer.step.control import controlled
from leanrl.trainer.step.open import NamedReward, open_scorer, open_step
from leanrl.trainer.step.rollout_metrics import RolloutLog
from leanrl.types import Grader, Row


class LeanGRPOTrainer(GRPOTrainer):
    """GRPO whose steps are `trainer.step` and whose loss is computed by `engine.step`.

    Args (besides those of GRPOTrainer):
        config: the resolved configuration.
        rows: the problems; a step asks them by their numbers.
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
        self.rollout_log = RolloutLog()
        self._updates: list[list[StepRow]] = []
        self._has_rows = True
        self.scorer = open_scorer(self, rewards=rewards, grader=grader)
        self.rollout = open_rollout(config, self.training_side())
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
        self.empty = EmptySteps(run, max_in_a_row=config.algorithm.max_empty_steps)
        self._prepare_model()
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
        self.step = open_step(self)

    def training_side(self) -> TrainingSide:
        """Return what a rollout engine is opened for."""
        return TrainingSide(
            policy=lambda: self.accelerator.unwrap_model(self.model),
            stopping=self.stopping,
            device=self.accelerator.device,
            rank=self.accelerator.process_index,
            num_ranks=self.accelerator.num_processes,
            autocast=self.accelerator.autocast,
            meter=self.meter,
            run=self.run,
            plan=self.plan,
        )

    def train_from(self, checkpoint: Path | None) -> None:
        """Train to the end, from the start or from a checkpoint; one of the last step is only loaded.

        transformers takes one step too many when it resumes at `max_steps`.

        Raises:
            StoppedError: if too many steps in a row were not finite or had no rows, or one completion does not fit.
        """
        if checkpoint is None:
            self.train()
        else:
            for folder in (checkpoint, *self.run.token_budgets()):
                self.budget.load(folder)
            saved = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
            if saved.global_step >= self.args.max_steps:
                self._load_from_checkpoint(str(checkpoint))
                self.state = saved
                return
            self._go_on_from(checkpoint, saved.global_step)
            self.train(resume_from_checkpoint=str(checkpoint))
        self.nonfinite.require_few()
        self.empty.require_few()

    def _go_on_from(self, checkpoint: Path, step: int) -> None:
        # Where it lies between the steps of a rollout, the rest of them draw others for the same prompts.
        self._step = step * self.args.gradient_accumulation_steps
        num_rollouts = step // self.lean_config.steps_per_rollout
        self.step_pass.settings = self.step.load(checkpoint, self.step_pass.settings, num_rollouts=num_rollouts)

    # --- one step ----------------------------------------------------------------------------------------

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Roll out where the last rollout is used up, and run forward and backward over the rows of this update.

        TRL's `inputs` are not used: the step chooses its prompts. Returns this rank's share of the loss times the
        number of ranks: their mean is the loss of the step.
        """
        with self._timed("step"):
            model.train()
            rows = self.rows_of_update()
            rows = self.step.compared.of_step(self.model, rows, version=self.state.global_step)
            with self.meter.phase("forward_backward"):
                totals = self.step_pass.add_gradients(model, rows)
                self._log_sums(totals, rows)
                loss = self._checked_loss(model, totals.loss, rows)
        latest = {name: values[-1] for name, values in self._metrics["train"].items()}
        self.step_pass.settings = controlled(self.step_pass.settings, self.step.algorithm.controls(latest))
        self.meter.begin("optimizer_step")  # transformers clips and steps next; StepRecorder closes the phase
        self._step += 1
        if self._step % self.lean_config.steps_per_rollout == 0:
            self.step.finish()
        return loss

    def rows_of_update(self) -> list[StepRow]:
        """Return this rank's rows; a rollout serves `config.steps_per_rollout` updates, in turn over its parts."""
        if self._step % self.lean_config.steps_per_rollout == 0 or not self._updates:
            self._roll_out()
        return self._updates[self._step % len(self._updates)]

    def _roll_out(self) -> None:
        with self.saving_before_reward_errors():
            rollout = self.step.roll_out(self.model, step=self.state.global_step)
        self._updates, self.rollout_log = rollout.updates, rollout.log
        self._has_rows = rollout.has_rows
        metrics = rollout.log.metrics(list(self.lean_config.rewards), gather_object)
        self.state.num_input_tokens_seen += int(metrics.pop("drawn_tokens"))
        self._metrics["train"]["num_tokens"] = [self.state.num_input_tokens_seen]
        for name, value in metrics.items():
            self.record(name, value)

    @contextmanager
    def saving_before_reward_errors(self) -> Iterator[None]:
        """Keep what is trained where a function of the user's fails, and say how to go on."""
        try:
            yield
        except RewardError as error:
            if self.accelerator.num_processes == 1:  # the other ranks would not come to the checkpoint
                self._save_what_is_trained()
            raise stop_for_reward(self.run, error) from error

    def draw(self, beginnings_B: list[list[int]]) -> Rollout:
        """Return completions of the prompts, drawn from the policy as it is."""
        give_back_unused(self.accelerator.device)  # a colocated vLLM wakes in pools of its own
        sampling = sampling_of(
            self.lean_config, max_completion_tokens=self.max_completion_length, stop_token_ids=self.stopping.stop_ids
        )
        try:
            with self.meter.phase("rollout"):
                drawn = self.rollout.draw(beginnings_B, step=self.state.global_step, sampling=sampling)
        except StoppedError:
            self._save_what_is_trained()
            raise
        for name, value in drawn.measures.items():
            self.record(name, value)
        return drawn

    def _checked_loss(self, model: Any, loss: Tensor, rows: list[StepRow]) -> Tensor:
        """Return the loss, or 0 and no gradients where the step is not taken; ask for the end after too many."""
        step = self.state.global_step + 1
        is_taken = self.nonfinite.passes(model, loss, rows, step=step, reduce=self._sum_over_ranks)
        self.empty.count(model, has_rows=self._has_rows)
        self.record("nonfinite_steps", self.nonfinite.in_a_row)
        self.record("empty_steps", self.empty.in_a_row)
        self.record("out_of_memory", self.budget.num_shortages)
        if self.nonfinite.are_too_many or self.empty.are_too_many:
            self.control.should_save = True
            self.control.should_training_stop = True
        return loss if is_taken else torch.zeros_like(loss)

    def _sum_over_ranks(self, values: Tensor) -> Tensor:
        return self.accelerator.reduce(values, reduction="sum")

    # --- metrics -----------------------------------------------------------------------------------------

    def record(self, name: str, value: float) -> None:
        self._metrics["train"][name].append(value)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.record(f"seconds/{name}", time.perf_counter() - started)

    def _log_sums(self, sums: StepSums, rows: list[StepRow]) -> None:
        num_tokens = sum(gather_object([sum(len(row.completion_ids) for row in rows)]))
        means = step_means(sums, num_completion_tokens=num_tokens, reduce=self._sum_over_ranks, gather=gather_object)
        for name, value in means.items():
            if name != "kl" or self.beta != 0.0:
                self.record(name, value)

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

    def _save_step(self, written: Path) -> None:
        self.step.save(written, self.step_pass.settings, step=self.state.global_step)

    def _save_what_is_trained(self) -> None:
        """Leave a checkpoint of the last finished step, so that a stop before the next loses nothing."""
        step = self.state.global_step
        if step > 0 and self.run.checkpoint(step) not in self.run.complete_checkpoints():
            self._save_checkpoint(self.model, None)

    def _publish(self, step: int) -> None:
        written = Path(self.args.output_dir) / f"checkpoint-{step}"
        (written / "README.md").unlink(missing_ok=True)  # PEFT's empty model card
        self.budget.save(written)
        self._save_step(written)
        if self.uploads is not None:
            self.uploads.name_base(written)
        checkpoint = self.run.publish_checkpoint(written, step)
        if self.uploads is not None:
            self.uploads.push(checkpoint, step=step)
        self.run.drop_old_checkpoints(self.lean_config.checkpoints.keep_last, step=step)
