"""Completions that a model could be paid to write against the grader, and others that nobody would think of."""

import pytest
from hypothesis import HealthCheck, example, given, settings

from benchmarks.nasty_texts import GOLDS, MODES, TEXTS
from leanrl.grading.pool import GraderPool
from leanrl.types import GoldList, GradeRequest

REASONS = {"correct", "wrong", "no_box", "unparseable_answer", "unparseable_gold", "timeout", "memory", "died"}

HOSTILE = {
    "tower": r"\boxed{9^{9^{9^{9}}}}",
    "tower of e": r"\boxed{e^{e^{e^{e^{e}}}}}",
    "factorials of factorials": r"\boxed{((9!)!)!}",
    "gcd of towers": r"\boxed{\gcd(9^{9^{9}}, 3^{3^{20}})}",
    "huge product": r"\boxed{\prod_{k=1}^{1000000} k}",
    "huge sum": r"\boxed{\sum_{k=1}^{10^{9}} \frac{1}{k}}",
    "huge binomial": r"\boxed{\binom{1000000000}{500000000}}",
    "huge exponent": r"\boxed{1.5 \times 10^{1000000000}}",
    "expansion": r"\boxed{(a+b+c+d+e+f)^{60} - (a-b)^{60}}",
    "nested braces": r"\boxed{" + "{" * 5000 + "5" + "}" * 5000 + "}",
    "nested boxes": r"\boxed{" * 3000 + "5" + "}" * 3000,
    "boxes never closed": r"\boxed{" * 20_000,
    "100,000 characters of prose": "The answer is 5. " * 6000,
    "100,000 dollars": "$" * 100_000,
    "100,000 characters in a box": r"\boxed{" + "x+" * 50_000 + "1}",
    "many boxes": r"\boxed{5} and " * 5000,
    "NUL": "\\boxed{5\0}",
    "lone surrogate": "\\boxed{5\ud800}",
    "direction marks": "\\boxed{\u202e5\u202c}",
    "nothing": "",
}


@pytest.fixture(scope="module")
def quick_pool():
    """One worker with a short clock, so that what hangs costs little."""
    with GraderPool(num_workers=1, seconds=0.4) as pool:
        yield pool


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(quick_pool, name):
    """A verdict comes, the pool lives on, and what is not 5 is not paid."""
    verdict, other = quick_pool.grade([GradeRequest(HOSTILE[name], "5"), GradeRequest(r"\boxed{1+x}", "x+1")])
    pays = {"NUL", "direction marks", "nested braces", "nested boxes", "many boxes"}
    assert verdict.reason in REASONS
    assert name in pays or not verdict.correct
    assert other.correct


# What takes the most memory of its kind: towers of powers, chains of !!, binomials, decimals and matrices.
LARGE = (
    r"\binom{2}{({9^{9^{9}}})!}",
    r"2^{2^{2^{2^{x}}}}",
    r"x^{x^{x^{x^{x}}}}",
    r"((n!!)!!)!!",
    r"\binom{\binom{99}{9}}{\binom{99}{50}}",
    r"0.\overline{" + "7" * 400 + "}",
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{10^{9}}",
)


def test_large_values_take_little_memory():
    """Towers are refused before the work begins; nothing else fills half a gigabyte before its clock ends it."""
    with GraderPool(num_workers=2, seconds=0.6, memory_bytes=2**29) as pool:
        verdicts = pool.grade([GradeRequest(rf"\boxed{{{answer}}}", "x+n") for answer in LARGE])
    reasons = [verdict.reason for verdict in verdicts]
    assert reasons[:3] == ["unparseable_answer"] * 3
    assert set(reasons) <= REASONS - {"memory", "died", "correct"}


@pytest.mark.parametrize("answer", ["100000000! - 99999999!", "1000000000!", r"\binom{1000000000}{500000000}"])
def test_gmpy2_is_no_danger(quick_pool, answer):
    """Where it is installed, sympy hands these to C code that no alarm of Python's can interrupt."""
    pytest.importorskip("gmpy2", reason="gmpy2 is not installed, so sympy computes in Python")
    verdict, other = quick_pool.grade([GradeRequest(rf"\boxed{{{answer}}}", "x"), GradeRequest(r"\boxed{1+x}", "x+1")])
    assert not verdict.correct
    assert other.correct


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_golds(quick_pool, name):
    """A dataset may hold anything, too; the right answer to something else is not right."""
    verdict = quick_pool.grade([GradeRequest(r"\boxed{y-7}", HOSTILE[name])])[0]
    assert not verdict.correct


@pytest.mark.parametrize(
    "gold", [None, 5, 5.0, True, ["5"], {"answer": 5}, float("nan"), GoldList(()), GoldList(("",))]
)
@pytest.mark.parametrize("completion", [None, 5, r"\boxed{5}", b"\\boxed{5}"])
def test_what_is_no_text(quick_pool, gold, completion):
    """A row of a log may hold nothing or a number where a text belongs: a verdict comes all the same."""
    assert quick_pool.grade([GradeRequest(completion, gold)])[0].reason in REASONS


@pytest.mark.parametrize(
    ("golds", "accept", "answer", "correct"),
    [
        (("2", "x+1"), "any", "2", True),
        (("2", "x+1"), "any", "1+x", True),
        (("2", "x+1"), "any", "3", False),
        (("2", "x+1"), "any", "2, x+1", False),  # gamed: all candidates where one is asked for
        (("2", "x+1"), "all", "x+1, 2", True),
        (("2", "x+1"), "all", "2", False),
        (("2", r"\frac{"), "any", "x+2", False),
    ],
)
def test_several_gold_answers(quick_pool, golds, accept, answer, correct):
    """Any of them, or all of them, as the dataset says."""
    request = GradeRequest(rf"\boxed{{{answer}}}", GoldList(golds, accept))
    assert quick_pool.grade([request])[0].correct == correct


@settings(
    max_examples=120,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(completion="5", gold="5", mode="strict")
@given(completion=TEXTS, gold=GOLDS, mode=MODES)
def test_fuzz(quick_pool, completion, gold, mode):
    """Whatever the two texts are: one of the reasons, no exception, and the pool is alive afterwards."""
    verdicts = quick_pool.grade(
        [GradeRequest(completion, gold, mode), GradeRequest(rf"\boxed{{{completion}}}", gold, mode)]
    )
    assert {verdict.reason for verdict in verdicts} <= REASONS
    assert quick_pool.grade([GradeRequest(r"\boxed{2+x}", "x+2")])[0].correct
