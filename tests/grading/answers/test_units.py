"""Values with units: which are free, which convert, which differ, and what is none; pairs in cases_units.txt."""

import re
from pathlib import Path

import pytest

from leanrl.grading.answers.comparison import judge
from leanrl.grading.task import Task, plan_request
from leanrl.types import GradeRequest, Reason

TABLE = (Path(__file__).parent / "cases_units.txt").read_text(encoding="utf-8").splitlines()
PAIRS = [match.groups() for line in TABLE if (match := re.fullmatch(r"(?!#)(.+?) (==|!=) (.+)", line))]


def reason_for(gold: str, answer: str) -> Reason:
    """Return the reason for a boxed answer, without a child process."""
    plan = plan_request(GradeRequest(rf"So it is $\boxed{{{answer}}}$.", gold))
    return judge(plan.golds[0], plan.answer) if isinstance(plan, Task) else plan


def test_every_line_of_the_table_is_read():
    """A line is a pair, a comment or empty."""
    assert len(PAIRS) == len([line for line in TABLE if line and not line.startswith("#")]) > 100


@pytest.mark.parametrize(("gold", "sign", "answer"), PAIRS)
def test_pairs(gold, sign, answer):
    """A unit may be left out; two units must measure the same; what is in no table is no unit."""
    assert (reason_for(gold, answer) == "correct") == (sign == "==")


@pytest.mark.parametrize(
    ("gold", "answer", "reason"),
    [
        ("5", r"5\text{ cm}", "correct"),
        ("5", r"6\text{ cm}", "wrong"),
        (r"5\text{ m}", r"500\text{ cm}", "correct"),
        (r"5\text{ m}", r"5\text{ kg}", "wrong"),
        ("5000000", "5 million", "correct"),
        (r"\$5", r"5\text{ dollars}", "correct"),
    ],
)
def test_numbers_with_units_need_no_parser(gold, answer, reason):
    """They are decided in the parent."""
    assert plan_request(GradeRequest(rf"\boxed{{{answer}}}", gold)) == reason


@pytest.mark.parametrize("unit", ["ft", "dollars", "cm", "degrees", "apples", "%", "h", "元", "m/s"])
@pytest.mark.parametrize("spelling", ["{a} {unit} {b}", r"{a}\text{{ {unit} }}{b}", "{a}{unit} {b}", "{a} {unit}{b}"])
@pytest.mark.parametrize(("a", "b"), [("5", "6"), ("5", "600"), ("12", "0"), ("0", ".5"), ("3", r"\frac{1}{2}")])
def test_a_unit_between_two_values_joins_no_digits(unit, spelling, a, b):
    """5 ft 6 is not 56, with the unit and without it."""
    answer = spelling.format(a=a, b=b, unit=unit.replace("%", r"\%"))
    assert reason_for(f"{a}{b}", answer) != "correct"
    assert reason_for(rf"{a}{b}\text{{ {unit}}}", answer) != "correct"
