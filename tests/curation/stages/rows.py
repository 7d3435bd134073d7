"""Rows for tests of stages, and tools that need no model."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leanrl.curation.stages.stage import Answered, Asks, CuratedRow, Reply
from leanrl.grading.pool import GraderPool
from leanrl.types import GoldList


def row(problem: str, *answers: str, **more: Any) -> CuratedRow:
    """Return a row whose id is its problem unless one is given."""
    values = {"id": problem, "solution": None, "source": "test", "number": 1} | more
    return CuratedRow(problem=problem, answers=answers, **values)


@dataclass
class TestTools:
    """`Tools` whose model says the same texts to every row in turn."""

    __test__ = False

    grader: GraderPool | None = None
    data_dir: Path | None = None
    seed: int = 7
    verdicts: Sequence[Sequence[str]] = ()
    texts: Sequence[str] = ()
    said: list[str] = field(default_factory=list)

    def parses(self, golds: Sequence[str | GoldList]) -> list[bool]:
        assert self.grader is not None
        return self.grader.can_parse_gold(golds)

    def ask(self, model: str, rows: Sequence[CuratedRow], *, num_samples: int, asks: Asks) -> Answered:
        if self.texts:
            replies = [(Reply(text, 0, ""),) for text in self.texts]
        else:
            replies = [tuple(Reply("", 0, verdict) for verdict in each[:num_samples]) for each in self.verdicts]
        return Answered(replies, model, {"temperature": 0.0})

    def say(self, text: str) -> None:
        self.said.append(text)


def reasons(judged: Any) -> list[str | None]:
    """Return for each row None where it stays, else the reason why it is dropped."""
    return [None if finding.row is not None else finding.reason for finding in judged.findings]
