"""What a stage gets and gives: rows, findings with reasons, and what model stages ask with."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from leanrl.config.sections.section import Section
from leanrl.data.conversations import Asked
from leanrl.errors import Problem
from leanrl.types import GoldList, Grader


@dataclass(frozen=True, slots=True)
class CuratedRow:
    """One problem on its way through the stages; any of several answers is right, none are known where it has none.

    `number` counts the rows of its source from 1; `why_no_answer` says why `answers` is empty. `conversation` asks the
    problem where more than its text does.
    """

    id: str
    problem: str
    answers: tuple[str, ...]
    solution: str | None
    source: str
    number: int
    columns: Mapping[str, Any] = field(default_factory=dict)
    why_no_answer: str = ""
    conversation: Asked | None = None

    @property
    def gold(self) -> str | GoldList:
        """The answers as the grader takes them."""
        return self.answers[0] if len(self.answers) == 1 else GoldList(self.answers)

    @property
    def asked(self) -> Asked:
        """What a model is asked, as in training."""
        return self.conversation or Asked(self.problem)

    def with_column(self, name: str, value: Any) -> "CuratedRow":
        """Return the row with one more column."""
        return replace(self, columns={**self.columns, name: value})


@dataclass(frozen=True, slots=True)
class Reply:
    """One completion of a model that a stage has asked about a row."""

    text: str
    seed: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a stage made of a row: the row as it goes on, or None where it is dropped, and why."""

    row: CuratedRow | None
    reason: str = ""
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True)
class Answered:
    """The replies to every row, in order, with who gave them and how they were drawn."""

    replies: Sequence[tuple[Reply, ...]]
    model: str
    sampling: Mapping[str, Any]


class Tools(Protocol):
    """What stages need beside their rows."""

    @property
    def seed(self) -> int:
        """Seed of the recipe."""
        ...

    @property
    def grader(self) -> Grader:
        """Judges answers in killable processes."""
        ...

    @property
    def data_dir(self) -> Path | None:
        """Folder with benchmarks as files; None takes the Hub's."""
        ...

    def parses(self, golds: Sequence[str | GoldList]) -> list[bool]:
        """Return whether each gold answer can be read."""
        ...

    def ask(self, model: str, rows: Sequence[CuratedRow], *, num_samples: int, asks: "Asks") -> Answered:
        """Return replies of a model of the recipe, those that are there already and those that are missing."""
        ...

    def say(self, text: str) -> None:
        """Take one line of talk."""
        ...


@dataclass(frozen=True)
class Asks:
    """How a stage asks: the user message of a row (None: by the model's own template) and who reads the reply."""

    message: Callable[[CuratedRow], str] | None = None
    reader: Callable[[str], str] | None = None  # text of a reply to a verdict; None: the grader, by the row's gold


@dataclass(frozen=True)
class Judged:
    """The findings of a stage, in the order of its rows, with the model that it asked."""

    findings: Sequence[Finding]
    model: str | None = None
    sampling: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class StageKind:
    """A kind of stage.

    Args:
        section: its parameters.
        judge: keeps or drops rows.
        contradictions: yields what is wrong among the parameters.
        drops_what: completes the sentence "drops rows ...".
    """

    section: type[Section]
    judge: Callable[[Any, Sequence[CuratedRow], Tools], Judged]
    drops_what: str
    contradictions: Callable[[Any], Sequence[Problem]] = lambda _: ()


def row_by_row(
    judge_row: Callable[[Any, CuratedRow], Finding],
) -> Callable[[Any, Sequence[CuratedRow], Tools], Judged]:
    """Return a stage that looks at each row alone."""

    def judge(parameters: Any, rows: Sequence[CuratedRow], _: Tools) -> Judged:
        return Judged([judge_row(parameters, row) for row in rows])

    return judge


def dropped(reason: str, *, replies: tuple[Reply, ...] = ()) -> Finding:
    return Finding(None, reason, replies)
