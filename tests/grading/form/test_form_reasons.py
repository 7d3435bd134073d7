"""The form of an equal answer: what is paid, what is unfinished, what is an echo, by the table in form_cases.txt."""

from pathlib import Path

import pytest

from leanrl.grading.form.terms import read_term
from leanrl.grading.judgement import judge
from leanrl.grading.task import Task, plan_request
from leanrl.types import FORMS, Form, GoldList, GradeMode, GradeRequest, Reason

TABLE = [
    [*line.split(" ;; "), None][:4]
    for line in (Path(__file__).parent / "form_cases.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def reason_for(
    gold: str | GoldList,
    answer: str,
    problem: str | None,
    *,
    refused: tuple[Form, ...] = FORMS,
    mode: GradeMode = "strict",
) -> Reason:
    """Return the reason for a boxed answer, without a child process."""
    request = GradeRequest(rf"So it is $\boxed{{{answer}}}$.", gold, mode, problem)
    plan = plan_request(request, refused=refused)
    if not isinstance(plan, Task):
        return plan
    return judge(plan.mode, plan.golds, plan.answer, plan.problem, plan.refused)


@pytest.mark.parametrize(("reason", "gold", "answer", "problem"), TABLE)
def test_forms(reason, gold, answer, problem):
    """An answer in another finished form is right; a computation, or a copy of the problem's formula, is not."""
    assert reason_for(gold, answer, problem) == ("correct" if reason == "ok" else reason)


@pytest.mark.parametrize(("gold", "answer", "problem"), [case[1:] for case in TABLE if case[0] != "ok"])
def test_each_rule_can_be_turned_off(gold, answer, problem):
    """Each of them is equal in value, and the lenient mode asks for no more."""
    assert reason_for(gold, answer, problem, refused=()) == "correct"
    assert reason_for(gold, answer, problem, mode="lenient") == "correct"


@pytest.mark.parametrize("gold", sorted({case[1] for case in TABLE} | {case[2] for case in TABLE}))
def test_a_gold_answers_own_text_is_right(gold):
    """In whatever form the dataset has it, and although the problem states it."""
    assert reason_for(gold, gold, f"Is it ${gold}$ or $1$?") == "correct"


def test_one_rule_without_the_other():
    """A copy that is also unfinished is refused by either rule."""
    assert reason_for("7", "3+4", "Find $3+4$.", refused=("unfinished",)) == "unfinished"
    assert reason_for("7", "3+4", "Find $3+4$.", refused=("echo",)) == "echo"


def test_any_of_several_gold_answers_may_have_the_form():
    """3 + 4 is one of the two gold answers' own text."""
    assert reason_for(GoldList(("7", "3+4")), "3 + 4", None) == "correct"
    assert reason_for(GoldList(("8", "7")), "3 + 4", None) == "unfinished"


@pytest.mark.parametrize(
    "part", ["^", "(", "{", "/2", "!", r"\frac", r"\sqrt", "-", r"\sin ", "a_", "|", ")", "1,", "+(", "2("]
)
def test_reads_what_is_deep_without_recursion(part):
    """A thousand of anything is read, in one piece."""
    term = read_term("x" + part * 1000)
    assert term.walk()
    assert term.key is not None
