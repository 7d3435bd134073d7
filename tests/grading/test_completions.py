"""Which completions answer which golds, by completions_cases.txt: boxes apart, thoughts, code, golds in texts."""

import re
from pathlib import Path

import pytest

from leanrl.grading.judgement import judge
from leanrl.grading.task import Task, plan_request
from leanrl.types import GradeRequest

TABLE = (Path(__file__).parent / "completions_cases.txt").read_text(encoding="utf-8").splitlines()
CASES = [match.groups() for line in TABLE if (match := re.fullmatch(r"(?!# |## )(.+?) (==|!=) (.+)", line))]


def test_every_line_of_the_table_is_read():
    """A line is a case, a comment or empty."""
    assert len(CASES) == len([line for line in TABLE if line and not line.startswith(("# ", "## "))]) > 70


@pytest.mark.parametrize(("gold", "sign", "completion"), CASES)
def test_completions(gold, sign, completion):
    """A box that is tied to others, in thoughts, in code or taken back answers nothing alone."""
    gold, completion = gold.replace("⏎", "\n"), completion.replace("⏎", "\n")
    plan = plan_request(GradeRequest(completion, gold))
    reason = judge(plan.mode, plan.golds, plan.answer) if isinstance(plan, Task) else plan
    assert (reason == "correct") == (sign == "==")
