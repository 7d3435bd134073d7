"""Completions graded and saved as soon as they end, while the engine goes on."""

import queue
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

from leanrl.errors import LeanRLError
from leanrl.eval.drawing.schedule import Draw
from leanrl.eval.store.answers import AnswerRecord
from leanrl.eval.store.folder import Appender
from leanrl.grading.text.boxes import holds_several
from leanrl.grading.text.extraction import find_answer
from leanrl.types import GoldList, Grader, GradeRequest, Row

_MOST_AT_ONCE = 64
# Without anything saved: many times what the graders' clocks give the completions of a batch.
_LONGEST_SECONDS = 1800.0


@dataclass(frozen=True)
class DrawnText:
    """A completion before it is graded; `opened_tag` is the thinking tag that its prompt left open."""

    draw: Draw
    row: Row
    seed: int
    text: str
    num_tokens: int
    is_truncated: bool
    seconds: float
    opened_tag: str = ""


# Returns whether each completion is right by a second grader.
SecondGrader = Callable[[Sequence[DrawnText]], list[bool]]
# Corrects the verdict of a grader that knows no tolerance.
Allow = Callable[[DrawnText, str | None, str], str]


class Recorder:
    """Grades and appends completions in a thread of its own: an answer that is slow to judge keeps no engine waiting.

    The thread judges nothing itself: the graders' child processes do.
    """

    def __init__(
        self,
        grader: Grader,
        appender: Appender,
        *,
        second_grader: SecondGrader | None = None,
        allow: Allow | None = None,
        told: Callable[[AnswerRecord], None],
    ) -> None:
        """Start the thread.

        Args:
            grader: judges strictly.
            second_grader: judges by math-verify, where that is asked for.
            allow: may turn a verdict into `correct`, by a tolerance of the benchmark.
            told: hears of each completion that is saved.
        """
        self._grader = grader
        self._appender = appender
        self._second_grader = second_grader
        self._allow = allow
        self._told = told
        self._waiting: queue.SimpleQueue[DrawnText | None] = queue.SimpleQueue()
        self._error: BaseException | None = None
        self._num_saved = 0
        self._thread = threading.Thread(target=self._run, name="leanrl-recording", daemon=True)
        self._thread.start()

    def add(self, drawn: DrawnText) -> None:
        """Hand over one completion.

        Raises:
            LeanRLError: what has kept earlier ones from being graded or saved.
        """
        self._raise_error()
        self._waiting.put(drawn)

    def close(self) -> None:
        """Wait until all are saved.

        Raises:
            LeanRLError: as `add`.
        """
        self._waiting.put(None)
        self._join()
        self._raise_error()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
            return
        self._waiting.put(None)  # what was drawn before the error is saved all the same
        self._join()

    def _join(self) -> None:
        """Wait for the thread as long as it saves something now and then."""
        num_saved = -1
        while self._thread.is_alive() and self._num_saved > num_saved:
            num_saved = self._num_saved
            self._thread.join(_LONGEST_SECONDS)
        if self._thread.is_alive():
            raise LeanRLError(
                f"no completion was graded and saved in {_LONGEST_SECONDS / 60:.0f} minutes; {num_saved} are saved.",
                hint="the same command again asks for those that are missing",
            )

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                for record in self._records(batch):
                    self._appender.append(record)
                    self._num_saved += 1
                    self._told(record)
        except BaseException as error:
            self._error = error

    def _next_batch(self) -> list[DrawnText]:
        """Return what is waiting, at least one; nothing at the end."""
        batch: list[DrawnText] = []
        while len(batch) < _MOST_AT_ONCE and (not batch or not self._waiting.empty()):
            drawn = self._waiting.get()
            if drawn is None:
                self._waiting.put(None)
                break
            batch.append(drawn)
        return batch

    def _records(self, batch: Sequence[DrawnText]) -> list[AnswerRecord]:
        verdicts = self._grader.grade([_request(drawn) for drawn in batch])
        seconds = [None] * len(batch) if self._second_grader is None else self._second_grader(batch)
        return [
            self._record(drawn, verdict.reason, second)
            for drawn, verdict, second in zip(batch, verdicts, seconds, strict=True)
        ]

    def _record(self, drawn: DrawnText, verdict: str, second: bool | None) -> AnswerRecord:
        answer = _answer_of(drawn)
        if self._allow is not None and verdict != "correct":
            verdict = self._allow(drawn, answer, verdict)
        return AnswerRecord(
            benchmark=drawn.draw.benchmark,
            id=drawn.draw.id,
            sample=drawn.draw.sample,
            seed=drawn.seed,
            text=drawn.text,
            num_tokens=drawn.num_tokens,
            is_truncated=drawn.is_truncated,
            verdict=verdict,
            answer=answer,
            math_verify=second,
            seconds=round(drawn.seconds, 3),
        )


def judged_by_math_verify(grader: Grader, lettered: Collection[str], batch: Sequence[DrawnText]) -> list[bool]:
    """Return whether each completion is right by the rules of published numbers (`grading/math_verify_rules.py`).

    Args:
        lettered: the benchmarks whose gold answers are the letters of options.
    """
    requests = [
        GradeRequest(
            drawn.opened_tag + drawn.text,
            drawn.row.gold,
            mode="published_letter" if drawn.draw.benchmark in lettered else "published",
        )
        for drawn in batch
    ]
    return [verdict.correct for verdict in grader.grade(requests)]


def _request(drawn: DrawnText) -> GradeRequest:
    return GradeRequest(drawn.opened_tag + drawn.text, drawn.row.gold, problem=drawn.row.problem)


def _answer_of(drawn: DrawnText) -> str | None:
    gold = drawn.row.gold
    golds = gold.answers if isinstance(gold, GoldList) else (gold,)
    is_list = isinstance(gold, GoldList) and gold.accept == "all"
    asks_for_several = is_list or any(map(holds_several, golds))
    return find_answer(drawn.opened_tag + drawn.text, "strict", asks_for_several=asks_for_several)


def tolerances(columns: Mapping[str, str | None]) -> Allow:
    """Return what lets a number pass that is within the tolerance of its row.

    Args:
        columns: the column with the tolerance, by benchmark; None where a benchmark has none.
    """
    from leanrl.eval.benchmarks.tolerance import is_within

    def allow(drawn: DrawnText, answer: str | None, verdict: str) -> str:
        column = columns.get(drawn.draw.benchmark)
        if column is None or isinstance(drawn.row.gold, GoldList):
            return verdict
        allowed = is_within(answer, drawn.row.gold, tolerance=drawn.row.columns.get(column))
        return "correct" if allowed else verdict

    return allow
