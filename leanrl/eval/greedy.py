"""Fraction of held-out problems that a model answers right when it always takes the likeliest token."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.types import Grader, GradeRequest, Message, Row

Complete = Callable[[Sequence[list[Message] | str]], Iterable[str]]


@dataclass(frozen=True)
class GreedyScore:
    """How many of how many; `answers` keeps every completion with its verdict."""

    num_correct: int
    num_eval: int
    answers: list[dict[str, Any]]

    @property
    def accuracy(self) -> float:
        return self.num_correct / self.num_eval


def greedy_score(rows: Sequence[Row], *, complete: Complete, grader: Grader, opened_tag: str = "") -> GreedyScore:
    """Ask every row once and grade the answers strictly.

    Args:
        complete: gives one greedy completion per prompt, in order.
        opened_tag: what the prompt has opened already, such as `<think>`: the grader sees it before each completion,
            or a box in thoughts that were cut off would count.
    """
    completions = list(complete([row.prompt for row in rows]))
    requests = [
        GradeRequest(completion=opened_tag + completion, gold=row.gold, problem=row.problem)
        for row, completion in zip(rows, completions, strict=True)
    ]
    verdicts = grader.grade(requests)
    answers = [
        {"problem": row.problem, "gold": str(row.gold), "completion": completion, "verdict": verdict.reason}
        for row, completion, verdict in zip(rows, completions, verdicts, strict=True)
    ]
    return GreedyScore(sum(verdict.correct for verdict in verdicts), len(rows), answers)
