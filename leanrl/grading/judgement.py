"""What a child process does with a task: which code judges which mode."""

from collections.abc import Collection, Sequence

from leanrl.grading import math_verify_rules
from leanrl.grading.answers import comparison
from leanrl.grading.form.forms import best_reason, form_reason
from leanrl.grading.scorers.gold import is_scored
from leanrl.grading.scorers.scoring import judge_scored
from leanrl.types import Form, GradeMode, Reason


def judge(
    mode: GradeMode,
    golds: Sequence[str],
    answer: str | None,
    problem: str | None = None,
    refused: Collection[Form] = (),
) -> Reason:
    """Return `correct` if the answer equals one of the gold answers in a form that is paid.

    Else return the form that is refused, or the reason of the first gold answer. Without an answer, return whether a
    gold answer can be read.
    """

    def judge_one(gold: str) -> Reason:
        if mode == "strict" and is_scored(gold):
            return judge_scored(gold, answer)
        if mode == "as_run":
            return math_verify_rules.judge_as_run(gold, answer or "")
        if mode == "published":
            return math_verify_rules.judge_published(gold, answer)
        if mode == "published_letter":
            return math_verify_rules.judge_published_letter(gold, answer)
        if answer is None:
            return comparison.judge_gold(gold)
        reason = comparison.judge(gold, answer)
        return form_reason(gold, answer, problem=problem, refused=refused) if reason == "correct" else reason

    return best_reason([judge_one(gold) for gold in golds], refused=refused) if golds else "unparseable_gold"
