"""EvaluationCallback: evaluates at the steps that `eval.every_steps` names, and has the best so far saved."""

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState

from leanrl.trainer.evaluations.evaluations import Evaluations
from leanrl.trainer.records.callbacks import SignalStop


class EvaluationCallback(TrainerCallback):
    """Measures when training begins and at the end of steps.

    It comes before what turns a signal into the end of a run: a signal during an evaluation ends that step.

    Args:
        evaluations: what measures.
        stop: knows whether a signal asks the run to end.
        keep_best: above 0, a step that evaluates best so far gets a checkpoint.
    """

    def __init__(self, evaluations: Evaluations, stop: SignalStop, *, keep_best: int) -> None:
        self._evaluations = evaluations
        self._stop = stop
        self._keep_best = keep_best

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **_: Any) -> None:
        """Measure the start, or the step of a checkpoint whose evaluation was broken off."""
        if self._evaluations.is_due(state.global_step):
            self._evaluations.measure(state.global_step)

    def on_step_end(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        step = state.global_step
        if not self._evaluations.is_due(step):
            return
        is_last = step >= state.max_steps  # then nothing is left that a signal could cut short
        evaluation = self._evaluations.measure(
            step, is_interrupted=lambda: self._stop.received is not None and not is_last
        )
        if evaluation is not None and evaluation["is_best"] and self._keep_best:
            control.should_save = True
