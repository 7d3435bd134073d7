"""What a worker has judged before its first answer."""

import subprocess
import sys
from pathlib import Path

import pytest

from leanrl.grading.judgement import judge
from leanrl.grading.process.warmup import EACH_KIND
from leanrl.grading.task import Task

CASES = Path(__file__).parents[1] / "answers" / "cases.txt"
LATE_IMPORTS = """
import sys
from leanrl.grading.judgement import judge
from leanrl.grading.process.worker import _load_judge
_load_judge()
warm = set(sys.modules)
for line in sys.stdin.read().splitlines():
    for sign in (" == ", " != "):
        if sign in line and not line.startswith("#"):
            gold, _, answer = line.partition(sign)
            judge(mode="strict", golds=[gold], answer=answer)
            late = sorted(name for name in set(sys.modules) - warm if name.partition(".")[0] == "sympy")
            assert not late, f"{line} imports {late}"
"""


@pytest.mark.parametrize("task", EACH_KIND, ids=lambda task: task.golds[0])
def test_each_kind_is_computed(task: Task):
    """The two spellings differ, and the parser finds them equal: a pair that is refused early warms nothing."""
    assert task.golds[0] != task.answer
    assert judge(task.mode, task.golds, task.answer) == "correct"


def test_no_answer_imports_part_of_the_parser():
    """Of all pairs that the grader is tested with, after the warm-up, in a process of its own."""
    command = [sys.executable, "-c", LATE_IMPORTS]
    subprocess.run(command, input=CASES.read_text(encoding="utf-8"), text=True, check=True)
