"""The rules of published numbers: the whole completion is read, numbers to five decimals."""

import pytest

from leanrl.grading.pool import GraderPool
from leanrl.types import GoldList, GradeRequest

CASES = [
    (r"So the answer is $\boxed{204}$.", "204", "correct"),
    ("The answer is 204", "204", "correct"),  # no box: the training grader wants one
    (r"$\boxed{\frac12}$", r"\frac{1}{2}", "correct"),
    (r"<think>maybe $\boxed{7}$</think> so $\boxed{8}$", "8", "correct"),
    (r"$\boxed{205}$", "204", "wrong"),
    (r"$\boxed{0.333333}$", r"\frac{1}{3}", "correct"),
    ("I do not know.", "204", "no_box"),
    ("", "204", "no_box"),
]


@pytest.fixture(scope="module")
def pool():
    with GraderPool() as pool:
        yield pool


@pytest.mark.parametrize(("completion", "gold", "reason"), CASES)
def test_a_completion_is_read_as_published(pool: GraderPool, completion: str, gold: str, reason: str):
    (verdict,) = pool.grade([GradeRequest(completion, gold, mode="published")])
    assert verdict.reason == reason


LETTERS = [
    (r"The answer is $\boxed{B}$.", "B", "correct"),
    (r"\boxed{\text{B}}", "B", "wrong"),  # math-verify takes it for a symbol, no letter
    ("Let me think about A and C. Answer: B", "B", "correct"),
    ("The answer is (B).", "B", "no_box"),  # math-verify knows no letter in parentheses
    ("**Answer:** B", "B", "correct"),
    ("Option A is wrong, so B.", "B", "correct"),
    (r"First $\boxed{A}$, no: $\boxed{B}$", "B", "correct"),
    (r"The answer is $\boxed{C}$, not B.", "B", "wrong"),
    ("I do not know.", "B", "no_box"),
    ("", "B", "no_box"),
    ("4", "4", "unparseable_gold"),
]


@pytest.mark.parametrize(("completion", "gold", "reason"), LETTERS)
def test_the_letter_of_an_option_is_read(pool: GraderPool, completion: str, gold: str, reason: str):
    (verdict,) = pool.grade([GradeRequest(completion, gold, mode="published_letter")])
    assert verdict.reason == reason


def test_any_of_several_golds_is_right(pool: GraderPool):
    (verdict,) = pool.grade([GradeRequest(r"$\boxed{3}$", GoldList(("2", "3")), mode="published")])
    assert verdict.correct


def test_a_completion_that_computes_for_ever_ends_its_child_and_nothing_else(pool: GraderPool):
    hostile, plain = pool.grade(
        [
            GradeRequest(r"$\boxed{9^{9^{9^{9}}}}$", "204", mode="published"),
            GradeRequest(r"$\boxed{204}$", "204", mode="published"),
        ]
    )
    assert hostile.reason in ("timeout", "memory", "died", "wrong", "no_box")
    assert plain.correct
