"""benchmarks/grading.py: what it counts as a formula, as a wrong verdict and as a changed one."""

import subprocess
import sys

import pytest

from benchmarks.graders.cases import compare_graders
from benchmarks.graders.clocks import in_a_process_of_its_own, judge_hostile
from benchmarks.graders.formulas import copied_formulas, formulas_of, judge_copied
from benchmarks.graders.judges import Case, leanrl, math_verify_default, trl_reward


@pytest.mark.parametrize(
    ("problem", "formulas"),
    [
        ("Find $x$ if $2x = 8$.", ["x", "2x = 8"]),
        (r"Compute \[\sin 225^\circ.\] Then \(a+b\).", [r"\sin 225^\circ.", "a+b"]),
        ("Compute $$1 + 2$$ and $ 3 $, twice $3$.", ["1 + 2", "3"]),
        (r"It costs \$5 and \$7, so $c=12$.", ["c=12"]),
        (r"A price of $\$3$ each.", [r"\$3"]),
        ("No formula.", []),
        ("An empty $ $ one.", []),
    ],
)
def test_formulas_of_a_problem(problem, formulas):
    """Each once, in the order of the text; an escaped dollar is money."""
    assert formulas_of(problem) == formulas


def test_copied_formulas_are_boxed_and_graded():
    """Of three problems, the first states its answer, the second has no formula, the third is paid for nothing."""
    rows = [
        {"id": "a", "problem": r"Is it $\frac{1}{2}$ or $\frac{1}{3}$?", "answer": r"\frac{1}{2}"},
        {"id": "b", "problem": "How many?", "answer": "7"},
        {"id": "c", "problem": "Solve $2x = 8$.", "answer": "4"},
    ]
    assert [case.completion for case in copied_formulas(rows)] == [
        r"The answer is $\boxed{\frac{1}{2}}$.",
        r"The answer is $\boxed{\frac{1}{3}}$.",
        r"The answer is $\boxed{2x = 8}$.",
    ]
    found = judge_copied("three", rows, num_problems=3)
    assert {name: found[name] for name in ("problems", "with_formulas", "formulas", "paid_problems")} == {
        "problems": 3,
        "with_formulas": 2,
        "formulas": 3,
        "paid_problems": 1,
    }
    assert (found["paid_share"], found["paid_not_gold_text"]) == (0.3333, 0)
    assert found["paid"] == [{"id": "a", "gold": r"\frac{1}{2}", "formula": r"\frac{1}{2}", "is_gold_text": True}]


def test_wrong_verdicts_are_counted_by_class_and_listed():
    """A grader that says yes is wrong on the false case, one that says no on the right one, each in its class."""
    cases = [
        Case("1", "5", r"\boxed{5}", True, "number"),
        Case("2", "5", r"\boxed{6}", False, "number"),
        Case("3", "A", r"\boxed{A}", True, "choice"),
    ]
    judges = {"yes": lambda cases: [True] * 3, "no": lambda cases: [False] * 3}
    found = compare_graders(cases, judges, by_class=judges)
    assert found["graders"] == [
        {"grader": "yes", "cases": 3, "accuracy": 0.6667, "false_positives": 1, "false_negatives": 0},
        {"grader": "no", "cases": 3, "accuracy": 0.3333, "false_positives": 0, "false_negatives": 2},
    ]
    assert found["classes"] == [
        {"class": "choice", "cases": 1, "yes": "0 + 0", "no": "0 + 1"},
        {"class": "number", "cases": 2, "yes": "1 + 0", "no": "0 + 1"},
    ]
    assert [row["id"] for row in found["wrong"]] == ["1", "2", "3"]
    assert found["wrong"][1] == {
        "id": "2", "class": "number", "gold": "5", "box": r"\boxed{6}", "expected": False, "yes": True, "no": False,
    }  # fmt: skip


@pytest.mark.parametrize("judge", [leanrl, math_verify_default, trl_reward])
def test_graders_take_the_same_cases(judge):
    """Each finds the right box right and the wrong one wrong."""
    assert judge([Case("1", "5", r"$\boxed{5}$", True), Case("2", "5", r"$\boxed{6}$", False)]) == [True, False]


def test_the_peak_is_that_of_the_completions_alone():
    """What other children of the benchmark took, 400 MB here, is no completion's."""
    subprocess.run([sys.executable, "-c", "bytearray(400 * 2**20)"], check=True)
    found = in_a_process_of_its_own(judge_hostile, [{"completion": r"\boxed{x+2}", "gold": "2+x"}])
    assert found["reasons"] == {"correct": 1}
    assert 20 * 2**20 < found["peak_bytes_of_a_worker"] < 200 * 2**20
