"""LeanGRPOTrainer: the border to TRL's GRPOTrainer.

TRL keeps what it is good at: ranks, the loop, the optimizer, the reference's copy, files. What happens in a step is
`trainer.step`; the loss and its micro-batches are the engine's; checkpoints are ours. The seams are held by
tests/trainer/test_trl_contract.py.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate.utils import gather_object
from peft import PeftModel
from torch import Tensor
from trl import GRPOTrainer

from leanrl.config.schema import RunConfig
from leanrl.engine.prepare import prepare_model
from leanrl.planner.prediction import Plan
from leanrl.prompting.generation import generation_to_save
from leanrl.prompting.stopping import stopping_of
from leanrl.rewards.weighted import Reward
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.going_on import published, seed_unless_saved, settle_optimizer, train_from
from leanrl.trainer.checkpoints.hub import CheckpointUploads
from leanrl.trainer.checkpoints.open import open_publishing
from leanrl.trainer.checkpoints.restore import check_shards, restore_weights
from leanrl.trainer.checkpoints.upkeep import checkpoint_bytes
from leanrl.trainer.evaluations.evaluations import Evaluations
from leanrl.trainer.memory.gauges import choose_gauge
from leanrl.trainer.memory.open import open_budget
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.trainer.passes.open import open_pass, open_skipped
from leanrl.trainer.passes.reference import prepare_reference
from leanrl.trainer.passes.reference_reset import kept_reference, load_reference, prepare_resets, save_reference
from leanrl.trainer.ranks.part_files import optimizer_files
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.rollouts.drawing import draw_completions
from leanrl.trainer.rollouts.engines import open_rollout
from leanrl.trainer.rollouts.length import LengthLimit
from leanrl.trainer.rollouts.training_side import TrainingSide, training_side_of
from leanrl.trainer.scoring.reward_failure import saving_before_reward_errors
from leanrl.trainer.step.algorithm import algorithm_of
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

    `evaluations` measures held-out problems while it trains; `build_trainer` sets it. `to_begin` are called once, when
    all is loaded and the first step is next.
    """

    evaluations: Evaluations | None = None

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
        self.lean_config, self.rows, self.run, self.plan = config, rows, run, plan
        self.reference_copy = prepare_reference(self, config.train, folder=run.path)
        prepare_resets(self)
        self.rollout_log = RolloutLog()
        self.to_begin: list[Callable[[], None]] = []
        self.algorithm = algorithm_of(config)
        self.length = LengthLimit(config)
        self.scorer = open_scorer(self, rewards=rewards, grader=grader)
        self.rollout = open_rollout(config, self.training_side())
        self.budget = open_budget(self)
        self.step_pass = open_pass(self)
        self.skipped = open_skipped(self)
        self.publishing = open_publishing(self, uploads)
        self._prepare_steps()
        self.meter.end()

    def _keep_to_stopping(self) -> None:
        """Let TRL take completions for ended where rollouts end them, and checkpoints name the same end tokens."""
        self.eos_token_ids = list(self.stopping.stop_ids)
        self.bare_model.generation_config = generation_to_save(self.bare_model, self.stopping)

    def _prepare_steps(self) -> None:
        prepare_model(self.bare_model, self.lean_config.train)
        self.step = open_step(self)
        self.publishing.own_files.append(lambda folder: self.step.state.save(folder, step=self.state.global_step))
        self.publishing.own_files.append(lambda folder: save_reference(self, folder))

    @property
    def bare_model(self) -> Any:
        """The model without its adapter."""
        return self.model.get_base_model() if isinstance(self.model, PeftModel) else self.model

    def training_side(self) -> TrainingSide:
        """Return what a rollout engine is opened for."""
        return training_side_of(self)

    def train_from(self, checkpoint: Path | None) -> None:
        """Train to the end, from the start or from a checkpoint (see `going_on.train_from`)."""
        train_from(self, checkpoint)

    def begin_run(self) -> None:
        """Call what waits for everything to be loaded; a second call does nothing."""
        waiting, self.to_begin = self.to_begin, []
        for write in waiting:
            write()

    def load_steps(self, checkpoint: Path, step: int) -> None:
        """Take what the steps up to a checkpoint's left to later ones; the run's folder stays until it begins."""
        seed_unless_saved(self.args, checkpoint, step)
        self.step.state.load(checkpoint, step=step)
        self.to_begin.append(self.step.state.begin)
        self.rollout_log = self.step.state.log

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Take a step up to its gradients; TRL's `inputs` are not used: the step chooses its prompts.

        Returns this rank's part of the loss times the number of ranks: their mean is the loss of the step.
        """
        started, step = time.perf_counter(), self.state.global_step
        model.train()
        with saving_before_reward_errors(self):
            loss = self.step.take(model, policy=self.model, step=step)
            self._note_skipped_steps()
            self.step.end({name: values[-1] for name, values in self._metrics["train"].items()}, step=step)
        self.record({"seconds/step": time.perf_counter() - started})  # each rank's own: `end` decides on all alike
        self.meter.begin("optimizer_step")  # transformers clips and steps next; StepRecorder closes the phase
        return loss

    def draw(self, beginnings_B: list[list[int]]) -> Rollout:
        """Return completions of the prompts, drawn from the policy as it is."""
        return draw_completions(self, beginnings_B)

    def note_rollout(self, log: RolloutLog) -> None:
        """Record what a rollout says of itself; transformers keeps the number of its tokens in checkpoints."""
        self.rollout_log = log
        metrics = log.metrics(list(self.lean_config.rewards), gather_object)
        self.state.num_input_tokens_seen += int(metrics.pop("drawn_tokens"))
        self.record({"num_tokens": self.state.num_input_tokens_seen, **metrics})

    def record(self, values: Mapping[str, float]) -> None:
        """Add values of metrics to what TRL logs of the step."""
        for name, value in values.items():
            self._metrics["train"][name].append(value)

    def _note_skipped_steps(self) -> None:
        """Record how many steps were skipped, and end the run with a checkpoint after too many."""
        self.record({**self.skipped.metrics, "out_of_memory": self.budget.num_shortages})
        if self.skipped.are_too_many:
            self.control.should_save = self.control.should_training_stop = True

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Write none: a card belongs to a merged model, not to every checkpoint."""

    def save_what_is_trained(self) -> None:
        """Leave a checkpoint of the last finished step, so that a stop before the next loses nothing."""
        if self.state.global_step > 0 and not self.publishing.has(self.state.global_step):
            self._save_checkpoint(self.model, None)
        self.publishing.wait()

    def saved_bytes(self) -> int:
        """Return what one checkpoint takes on disk."""
        return checkpoint_bytes(self.model, self.lean_config, reference=kept_reference(self))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with published(self):
            super()._save_checkpoint(model, trial)

    def save_own_part(self, folder: Path) -> None:
        """Write what only this rank has into the folder of a checkpoint."""
        self.step.state.save_rollout(folder, step=self.state.global_step)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Put the weights of a checkpoint back, and refuse one that does not fit in every tensor."""
        policy, checkpoint = self.accelerator.unwrap_model(self.model), Path(resume_from_checkpoint)
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            check_shards(policy, checkpoint)
        else:
            restore_weights(policy, checkpoint)
        load_reference(self, checkpoint)
        self.rollout.weights_replaced()

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        with optimizer_files(self.lean_config.optimizer):
            super()._save_optimizer_and_scheduler(output_dir)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        with optimizer_files(self.lean_config.optimizer):
            super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            settle_optimizer(self, Path(checkpoint))
