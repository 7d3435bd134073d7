"""What a child process does with a request: which code judges which mode."""

from leanrl.grading import as_run, comparison
from leanrl.types import GradeMode, Reason


def judge(mode: GradeMode, gold: str, answer: str | None) -> Reason:
    """Return the reason for a gold answer and an answer; without an answer, only whether the gold can be read."""
    if mode == "as_run":
        return as_run.judge_as_run(gold, answer or "")
    return comparison.judge_gold(gold) if answer is None else comparison.judge(gold, answer)
