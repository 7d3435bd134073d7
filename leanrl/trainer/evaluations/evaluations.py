"""Evaluations: a trainer's held-out problems, asked while it trains, and paired with step 0."""

import time
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

from leanrl.errors import StoppedError
from leanrl.eval.during.questions import chosen_rows, questions_of
from leanrl.eval.during.record import evaluation_record, scores_in
from leanrl.eval.during.sentence import evaluation_line
from leanrl.launch.this_rank import is_first_rank
from leanrl.storage.evaluations import (
    Evaluation,
    add_evaluation,
    add_to_metrics,
    is_best_so_far,
    read_evaluations,
    rewind_evaluations,
)
from leanrl.trainer.evaluations.asking import Answer, ask_all
from leanrl.trainer.evaluations.logged import logged_values
from leanrl.trainer.evaluations.random_state import untouched_random_state
from leanrl.trainer.ranks.meeting import of_all_ranks
from leanrl.types import Grader, Listener, Row


class Evaluations:
    """Measures the policy of a trainer on the same held-out problems whenever it is asked; training never notices.

    Args:
        trainer: the policy as it is, its rollout engine and its run folder.
        rows: the held-out problems; `eval.num_problems` of them are asked.
        grader: judges the answers, strictly.
        listener: hears the score.
    """

    def __init__(self, trainer: Any, *, rows: Sequence[Row], grader: Grader, listener: Listener) -> None:
        self._trainer = trainer
        self._grader = grader
        self._listener = listener
        settings = trainer.lean_config.eval
        self._rows = chosen_rows(rows, num_problems=settings.num_problems, seed=settings.seed)
        self._done: dict[int, Evaluation] | None = None

    @property
    def can_measure(self) -> bool:
        """Whether there are held-out problems to ask."""
        return bool(self._rows)

    def is_due(self, step: int) -> bool:
        """Return whether `eval.every_steps` asks for an evaluation after `step` steps: at the start, then and last."""
        every = self._trainer.lean_config.steps_between_evaluations
        return every is not None and (step % every == 0 or step >= self._trainer.args.max_steps)

    def measure(self, step: int, *, is_interrupted: Callable[[], bool] = lambda: False) -> Evaluation | None:
        """Return the evaluation of the policy as it is, after `step` steps; one that was made is not made again.

        All ranks call it together. It is written to evaluations.jsonl and metrics.jsonl, and told to the listener and
        the trackers.

        Args:
            is_interrupted: asked between batches; where any rank's is true, the evaluation ends without a result.

        Raises:
            StoppedError: if the engine is lost; what is trained is saved.
        """
        done = self._by_step()
        if step not in done:
            started = time.perf_counter()
            answers = self._answers(step, is_interrupted)
            if answers is None:
                self._listener.say(f"evaluation at step {step}: broken off; a resumed run makes it")
                return None
            evaluation = self._evaluation(step, answers, seconds=time.perf_counter() - started)
            self._publish(evaluation)
            done[step] = evaluation
        return done[step]

    def of_step(self, step: int) -> Evaluation | None:
        """Return the evaluation that was made after `step` steps, or None; any rank may ask by itself."""
        return None if self._done is None else self._done.get(step)

    def rewind(self, step: int) -> None:
        """Forget the evaluations after `step`: training goes back to it. All ranks call it together."""
        self._done = {known: one for known, one in self._by_step().items() if known <= step}
        if is_first_rank():
            rewind_evaluations(self._trainer.run, step=step)

    def _by_step(self) -> dict[int, Evaluation]:
        """Return what was measured; on all ranks what the first one reads."""
        if self._done is None:
            read = of_all_ranks(read_evaluations(self._trainer.run) if is_first_rank() else [])[0]
            self._done = {one["step"]: one for one in read}
        return self._done

    def _answers(self, step: int, is_interrupted: Callable[[], bool]) -> list[Answer] | None:
        trainer, settings = self._trainer, self._trainer.lean_config.eval
        questions = questions_of(
            self._rows, num_samples=settings.samples, temperature=settings.temperature, seed=settings.seed
        )
        try:
            with untouched_random_state(trainer.accelerator.device), trainer.meter.phase("evaluation"):
                return ask_all(trainer, questions, step=step, grader=self._grader, is_interrupted=is_interrupted)
        except StoppedError:
            trainer.save_what_is_trained()
            raise

    def _evaluation(self, step: int, answers: Sequence[Answer], *, seconds: float) -> Evaluation:
        done, config = self._by_step(), self._trainer.lean_config
        samples = config.eval.samples
        names = [question.problem for question in questions_of(self._rows, num_samples=1, temperature=0, seed=0)]
        counts = {
            name: (sum(answer.is_correct for answer in answers[number * samples : (number + 1) * samples]), samples)
            for number, name in enumerate(names)
        }
        base = scores_in(done[0]) if 0 in done else None
        record = evaluation_record(step, counts, base=base, seed=config.eval.seed)
        earlier = [one for known, one in done.items() if known < step]
        return {
            **record,
            "is_best": is_best_so_far(record, earlier),
            "truncated_share": sum(answer.is_truncated for answer in answers) / len(answers),
            "mean_tokens": sum(answer.num_tokens for answer in answers) / len(answers),
            "seconds": round(seconds, 3),
            "asked": {
                "samples": samples,
                "temperature": config.eval.temperature,
                "seed": config.eval.seed,
                "max_completion_tokens": config.rollout.max_completion_tokens,
            },
        }

    def _publish(self, evaluation: Evaluation) -> None:
        trainer, step = self._trainer, evaluation["step"]
        if is_first_rank():
            add_evaluation(trainer.run, evaluation)
            add_to_metrics(trainer.run, step=step, values={"eval": logged_values(evaluation)})
        self._listener.say(evaluation_line(evaluation))
        logs = {f"eval_{name}": value for name, value in logged_values(evaluation).items() if value is not None}
        handler, control = trainer.callback_handler, copy(trainer.control)  # logging must not change what comes next
        handler.on_log(trainer.args, trainer.state, control, logs=logs)
