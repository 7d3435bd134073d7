"""What a child process does with a task: which code judges which mode."""

from collections.abc import Sequence

from leanrl.grading import as_run
from leanrl.grading.answers import comparison
from leanrl.types import GradeMode, Reason


def judge(mode: GradeMode, golds: Sequence[str], answer: str | None, problem: str | None = None) -> Reason:
    """Return `correct` if the answer equals one of the gold answers, else the reason of the first of them.

    Without an answer, return whether a gold answer can be read.
    """
    reasons: list[Reason] = [_judge_one(mode, gold, answer) for gold in golds] or ["unparseable_gold"]
    return "correct" if "correct" in reasons else reasons[0]


def _judge_one(mode: GradeMode, gold: str, answer: str | None) -> Reason:
    if mode == "as_run":
        return as_run.judge_as_run(gold, answer or "")
    return comparison.judge_gold(gold) if answer is None else comparison.judge(gold, answer)
