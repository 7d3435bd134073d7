"""Whether an answer equals a gold answer, by the tables in *cases.txt, and why not where it cannot be read.

The form of an equal answer is for tests/grading/form.
"""

import re
from pathlib import Path

import pytest

from leanrl.grading.answers.comparison import judge, judge_gold
from leanrl.grading.task import Task, plan_request
from leanrl.types import GradeRequest, Reason

TABLE = [
    line
    for path in sorted(Path(__file__).parent.glob("*cases.txt"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
PAIRS = [match.groups() for line in TABLE if (match := re.fullmatch(r"(?!#)(.+?) (==|!=) (.+)", line))]


def reason_for(gold: str, answer: str) -> Reason:
    """Return the reason for a boxed answer, without a child process."""
    plan = plan_request(GradeRequest(rf"So it is $\boxed{{{answer}}}$.", gold), refused=())
    return judge(plan.golds[0], plan.answer) if isinstance(plan, Task) else plan


def test_every_line_of_the_table_is_read():
    """A line is a pair, a comment or empty."""
    lines = [line for line in TABLE if line and not line.startswith("#")]
    assert len(PAIRS) == len(lines) > 200


@pytest.mark.parametrize(("gold", "sign", "answer"), PAIRS)
def test_pairs(gold, sign, answer):
    """Another spelling, order or form of the same answer is right; another answer, or several at once, is not."""
    assert (reason_for(gold, answer) == "correct") == (sign == "==")


@pytest.mark.parametrize("gold", sorted({gold for gold, _, _ in PAIRS}))
def test_a_gold_answer_equals_itself(gold):
    """Whatever form a dataset gives it."""
    assert reason_for(gold, gold) == "correct"


@pytest.mark.parametrize(
    ("gold", "answer", "reason"),
    [
        ("x+1", r"\frac{1}", "unparseable_answer"),
        ("x+1", r"x \foo y", "unparseable_answer"),
        ("x+1", "", "no_box"),
        ("x+1", " ", "no_box"),
        ("x+1", r"\frac{", "no_box"),  # its brace is the box's own
        ("x+1", "$ $", "unparseable_answer"),
        (r"\frac{x", "x", "unparseable_gold"),
        ("", "x", "unparseable_gold"),
        ("x+1", "x+2", "wrong"),
        ("5", "9" * 6000, "unparseable_answer"),  # longer than any answer
    ],
)
def test_reasons(gold, answer, reason):
    """What could not be read is told apart from what is wrong."""
    assert reason_for(gold, answer) == reason


@pytest.mark.parametrize(
    "gold",
    ["4", r"\frac{1}{2}", "(1, 2)", "x = 3", "3:4", "101_2", "(B) 5", "1,234", r"\text{May}", "5^{5^{5^{5^5}}}-5"],
)
def test_golds_that_can_be_read(gold):
    """Numbers, points, values with a name, ratios, bases, choices and words."""
    assert judge_gold(gold) == "correct"


@pytest.mark.parametrize("gold", ["", r"\frac{1}{", r"2, \frac{", r"x \foo y", r"k = \frac{", r"(1, \foo)"])
def test_golds_that_cannot_be_read(gold):
    """One part that nothing can be compared with is enough."""
    assert judge_gold(gold) == "unparseable_gold"
