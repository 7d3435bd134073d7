"""What happens beside the loop: metrics written, completions sampled, a stop asked for by a signal."""

import signal
import threading
from itertools import islice
from types import FrameType
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from leanrl.config.schema import RunConfig
from leanrl.hints import setting
from leanrl.launch.signals import ending_signals, ignore_repeats
from leanrl.storage.run_folder import RunFolder, append_jsonl, write_jsonl
from leanrl.trainer.evaluations.logged import logged_values
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.memory.actual import STEPS_TO_COMPARE, append_actual
from leanrl.trainer.memory.phase_meter import Peaks, Seconds, highest_of_each
from leanrl.trainer.ranks.meeting import highest_of_ranks, of_all_ranks
from leanrl.trainer.records.cpu_share import CpuShares
from leanrl.trainer.records.health import first_step_warnings
from leanrl.trainer.records.metrics import peak_bytes, step_metrics
from leanrl.trainer.records.tracking import Tracker, tracker_of
from leanrl.trainer.watch.watch import Watch
from leanrl.types import Listener
from leanrl.watch.watchdog import Fault


class StepRecorder(TrainerCallback):
    """Writes each step's metrics, its memory beside the plan, and now and then its completions; tells the listener."""

    def __init__(self, trainer: LeanGRPOTrainer, *, config: RunConfig, run: RunFolder, listener: Listener) -> None:
        self.trainer = trainer
        self.config = config
        self.run = run
        self.listener = listener
        self.warnings: list[str] = []
        self.watch = Watch(config, run)
        self.fault: Fault | None = None
        self.tracker: Tracker | None = None
        self._num_shortages = 0
        self._peaks = trainer.meter.take()
        self._shares = CpuShares(trainer.accelerator.device)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.begin_run()
        self._num_shortages = self.trainer.budget.num_shortages  # those before a checkpoint were told of
        self.trainer.meter.take_seconds()  # of loading and the probe
        if state.is_world_process_zero:
            self.warnings += [text for text in self.watch.begin() if text not in self.warnings]
            self.tracker = tracker_of(self.trainer.callback_handler.callbacks, self.config.tracking)
            if self.tracker is not None:
                self.tracker.send_config(self.config)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._shares.begin()

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.trainer.meter.end()

    def on_save(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        self._peaks = highest_of_each(self._peaks, self.trainer.meter.take())
        seconds = self.trainer.meter.take_seconds().get("save", 0.0)
        if state.is_world_process_zero:
            append_jsonl(self.run.saves, {"step": state.global_step, "seconds": seconds})

    def on_train_end(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        self.trainer.publishing.wait()
        self._compare_with_plan(state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        # A step on completions of an earlier one has no reward; the log at the end of training has no loss.
        if logs is None or "loss" not in logs:
            return
        peaks, seconds = self.trainer.meter.take(), self.trainer.meter.take_seconds()
        seconds.pop("evaluation", None)  # no part of the step; `eval` has them
        self._peaks = highest_of_each(self._peaks, peaks)
        if state.is_world_process_zero:
            self._record(logs, state, peaks=peaks, seconds=seconds)
        if state.global_step in STEPS_TO_COMPARE:
            self._compare_with_plan(state)
        if self.config.watchdog.level == "act" and state.global_step % self.config.steps_per_rollout == 0:
            self._stop_at_a_fault(control)

    def _stop_at_a_fault(self, control: TrainerControl) -> None:
        """Save and end the loop on all ranks where the first one sees the run fall apart."""
        self.fault = of_all_ranks(self.watch.fault)[0]
        if self.fault is not None:
            control.should_save = control.should_training_stop = True

    def _record(self, logs: dict[str, Any], state: TrainerState, *, peaks: Peaks, seconds: Seconds) -> None:
        metrics = step_metrics(
            logs,
            step=state.global_step,
            reward_names=list(self.config.rewards),
            highest_bytes=peak_bytes(self.trainer.meter),
            peaks=peaks,
            seconds=seconds,
            cpu_share=self._shares.of_step(),
        )
        evaluation = None if self.trainer.evaluations is None else self.trainer.evaluations.of_step(state.global_step)
        if evaluation is not None:
            metrics["eval"] = logged_values(evaluation)
        append_jsonl(self.run.metrics, metrics)
        if self.tracker is not None:
            self.tracker.send_metrics(metrics, logs, args=self.trainer.args, state=state)
        self.listener.step(metrics, max_steps=state.max_steps)
        for warning in self.watch.see(metrics):
            self.warnings.append(warning)
            self.listener.warn(warning)
        if state.global_step == 1:
            limit = self.trainer.length.at(0)
            for warning in first_step_warnings(metrics, max_completion_tokens=limit):
                self.warnings.append(warning)
                self.listener.warn(warning)
        if metrics["nonfinite_steps"]:
            self.listener.warn(
                f"The loss or gradient of step {state.global_step} is not finite: the step is not taken, and its batch "
                f"lies in {self.run.nonfinite}."
            )
        if metrics["empty_steps"]:
            self.listener.warn(
                f"algorithm.keep_rows kept no row in step {state.global_step}: the step is skipped "
                f"({metrics['empty_steps']} in a row)."
            )
        self._warn_of_shortage(metrics)
        every = self.config.log.completions_every_steps
        if every and (state.global_step == 1 or state.global_step % every == 0):
            self._save_completions(state)

    def _warn_of_shortage(self, metrics: dict[str, Any]) -> None:
        if metrics["out_of_memory"] > self._num_shortages:
            self._num_shortages = metrics["out_of_memory"]
            budget = self.trainer.budget
            flags = [
                setting("train.max_tokens_per_micro_batch", budget.max_tokens) if budget.max_tokens else None,
                setting("train.kept_layers", budget.kept_layers) if budget.gave_layers_back else None,
            ]
            warning = (
                f"Memory ran out in step {metrics['step']}. It was computed anew from the same completions, and the "
                f"run goes on with {budget.limits}: {' '.join(filter(None, flags))}"
            )
            self.warnings.append(warning)
            self.listener.warn(warning)

    def _compare_with_plan(self, state: TrainerState) -> None:
        """Put the peaks of the run so far, those of every rank, beside the plan; all ranks come here."""
        peaks_of_ranks = of_all_ranks(self._peaks)
        if state.is_world_process_zero:
            source = self.trainer.meter.gauge.source
            append_actual(self.run, step=state.global_step, peaks_of_ranks=peaks_of_ranks, source=source)

    def _save_completions(self, state: TrainerState) -> None:
        step, records = state.global_step, self.trainer.rollout_log.records(list(self.config.rewards))
        saved = [{"step": step, **record} for record in islice(records, self.config.log.num_completions)]
        self.run.completions.mkdir(exist_ok=True)
        write_jsonl(self.run.completions / f"step-{step:06d}.jsonl", saved)
        if self.tracker is not None and self.config.log.track_completions:
            self.tracker.send_completions(saved, state)


class SignalStop(TrainerCallback):
    """Turns the first signal that asks the run to end into a checkpoint and a clean end.

    A second SIGINT or SIGTERM acts at once.

    A checkpoint of unsloth holds no completions, so the steps that share a rollout are finished first: a resumed run
    then does what one that was never stopped does.
    """

    def __init__(self, listener: Listener, *, steps_per_save: int = 1) -> None:
        self.listener = listener
        self.steps_per_save = steps_per_save
        self.received: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in ending_signals():
            self._previous[number] = signal.signal(number, self._receive)

    def on_step_end(self, args: Any, state: Any, control: TrainerControl, **_: Any) -> None:
        received = highest_of_ranks(self.received or 0)  # a signal reaches ranks in different steps
        if received and state.global_step % self.steps_per_save == 0:
            self.received = signal.Signals(received)
            control.should_save = True
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.restore()

    def restore(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        if self._previous:  # until training ends: a hung step hears no handler of Python's
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            ignore_repeats()
        rest = "this step" if self.steps_per_save == 1 else f"the {self.steps_per_save} steps on this rollout"
        self.listener.say(f"{self.received.name}: finishing {rest}, then saving. Ctrl-C or SIGTERM now stops at once.")
