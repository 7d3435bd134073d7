"""Training under watch: a run that falls apart goes back to its best checkpoint, and stops or goes on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.errors import StoppedError
from leanrl.hints import command, setting
from leanrl.launch.this_rank import is_first_rank
from leanrl.storage.evaluations import read_evaluations
from leanrl.storage.rollbacks import Rollback, decide_rollback, finish_rollback, read_rollbacks
from leanrl.storage.run_folder import RunFolder, step_of
from leanrl.trainer.checkpoints.going_on import load_only
from leanrl.trainer.ranks.meeting import of_all_ranks, wait_for_all_ranks
from leanrl.trainer.records.callbacks import SignalStop, StepRecorder
from leanrl.types import Listener
from leanrl.watch.choice import chosen_step
from leanrl.watch.watchdog import Fault


def train_watched(
    trainer: Any, recorder: StepRecorder, stop: SignalStop, checkpoint: Path | None, *, listener: Listener
) -> None:
    """Train to the end as `trainer.train_from` does, and answer each fault of the run by level act.

    All ranks call it together. A signal that ends the run comes first: a resumed run finds the fault again.

    Raises:
        StoppedError: as `trainer.train_from`; and if the run fell apart and is to end. It is rolled back by then.
    """
    trainer.train_from(checkpoint)
    while recorder.fault is not None and stop.received is None:
        fault, recorder.fault = recorder.fault, None
        trainer.train_from(_answered(trainer, recorder, fault, listener))


def _answered(trainer: Any, recorder: StepRecorder, fault: Fault, listener: Listener) -> Path:
    """Return the checkpoint to go on from after a fault."""
    run, config = trainer.run, trainer.lean_config
    reasons = "; ".join(fault.reasons)
    listener.warn(f"The run falls apart at step {fault.step}: {reasons}.")
    rollback = _decided(trainer, fault)
    recorder.warnings.append(rollback.told)
    if is_first_rank():
        decide_rollback(run, rollback)
        finish_rollback(run)
    wait_for_all_ranks()
    if rollback.is_false_alarm:
        listener.say(f"step {fault.step} evaluates best of all checkpoints: the run goes on from there")
        return run.checkpoint(rollback.to_step)
    trainer.evaluations.rewind(rollback.to_step)
    checkpoint = run.checkpoint(rollback.to_step)
    if is_first_rank() and trainer.publishing.uploads is not None:
        trainer.publishing.uploads.push(checkpoint, step=rollback.to_step)
    told = f"it is rolled back to step {rollback.to_step}{_compared(rollback)}"
    num_rollbacks = sum(not one.is_false_alarm for one in read_rollbacks(run))
    if not goes_on(config, num_rollbacks=num_rollbacks):
        load_only(trainer, checkpoint)
        raise StoppedError(
            f"the run fell apart at step {fault.step}: {reasons}. Saved under {run.abandoned}; {told}.",
            hint=f"`{command('train', '--resume', run.path)}` goes on from there with half the learning rate",
        )
    listener.warn(f"The run goes on with half the learning rate; {told}. Steps behind it lie in {run.abandoned}.")
    return checkpoint


def goes_on(config: RunConfig, *, num_rollbacks: int) -> bool:
    """Return whether a run goes on in the same command after so many rollbacks."""
    return config.watchdog.response != "stop" and num_rollbacks <= config.watchdog.max_rollbacks


def _decided(trainer: Any, fault: Fault) -> Rollback:
    """Evaluate the policy and the checkpoints that there are, where problems are held out, and choose one.

    Raises:
        StoppedError: if there is no checkpoint from before.
    """
    run: RunFolder = trainer.run
    known = of_all_ranks([step_of(path) for path in run.complete_checkpoints()])[0]
    earlier = [step for step in known if step < fault.step]
    if not earlier:
        raise _nothing_to_go_back_to(trainer, fault)
    scores = _evaluated(trainer, [*earlier, fault.step])
    bounds = {step: bound for step, (bound, _) in scores.items()}
    candidates = [*earlier, fault.step] if fault.step in bounds else earlier
    to_step = chosen_step(candidates, bounds, since_step=fault.since_step)
    return Rollback(
        fault.step, to_step, fault.reasons, {str(step): score for step, (_, score) in sorted(scores.items())}
    )


def _evaluated(trainer: Any, steps: Sequence[int]) -> dict[int, tuple[float, float]]:
    """Return lower bound and score of each step's checkpoint; nothing where no problem is held out.

    The policy stands at the last of the steps; the others are loaded, where their evaluation was not made.
    """
    evaluations = trainer.evaluations
    if evaluations is None or not evaluations.can_measure:
        return {}
    evaluations.measure(steps[-1])
    for step in steps[:-1]:
        if evaluations.of_step(step) is None:
            load_only(trainer, trainer.run.checkpoint(step))
            evaluations.measure(step)
    wait_for_all_ranks()
    read = of_all_ranks(read_evaluations(trainer.run) if is_first_rank() else [])[0]
    return {
        one["step"]: (one["lower_bound"], one["score"])
        for one in read
        if one["step"] in steps and one["lower_bound"] is not None
    }


def _compared(rollback: Rollback) -> str:
    at, to = rollback.scores.get(str(rollback.at_step)), rollback.scores.get(str(rollback.to_step))
    if at is None or to is None:
        return ", the newest checkpoint from before (no held-out problem was asked)"
    return f", which has {to:.0%} of the held-out problems right in place of {at:.0%}"


def _nothing_to_go_back_to(trainer: Any, fault: Fault) -> StoppedError:
    config = trainer.lean_config
    every, rate = max(1, fault.since_step // 2), config.optimizer.learning_rate / 2
    flags = f"{setting('checkpoints.every_steps', every)} {setting('optimizer.learning_rate', rate)}"
    return StoppedError(
        f"the run fell apart at step {fault.step}: {'; '.join(fault.reasons)}. It has no checkpoint from before.",
        hint=f"start anew with more of them and smaller steps: `{trainer.run.start_anew()} {flags}`",
    )
