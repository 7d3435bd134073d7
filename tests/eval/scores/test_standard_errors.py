"""The two standard errors, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.eval.scores.problem_scores import shares_of
from leanrl.eval.scores.standard_errors import problem_se, sampling_se

COUNTS = st.lists(
    st.integers(2, 16).flatmap(lambda k: st.tuples(st.integers(0, k), st.just(k))), min_size=2, max_size=40
)


def named(pairs):
    return {str(number): pair for number, pair in enumerate(pairs)}


def test_two_problems_of_two_samples():
    """Problem a: 1 of 2, variance 1*1/(4*1) = 1/4. Problem b: 2 of 2, variance 0. sqrt(1/4 + 0) / 2 = 1/4.

    Between problems: shares 1/2 and 1, deviation sqrt(1/8), over sqrt(2): 1/4.
    """
    scores = {"a": (1, 2), "b": (2, 2)}
    assert sampling_se(scores) == pytest.approx(0.25)
    assert problem_se(shares_of(scores)) == pytest.approx(0.25)


def test_one_sample_a_problem_gives_the_binomial_error_and_no_noise_of_sampling():
    """3 of 10 right: sqrt(0.3 * 0.7 / 9)."""
    scores = named([(1, 1)] * 3 + [(0, 1)] * 7)
    assert problem_se(shares_of(scores)) == pytest.approx((0.3 * 0.7 / 9) ** 0.5)
    assert sampling_se(scores) is None


def test_one_problem_says_nothing_of_others():
    assert problem_se(np.array([0.5])) is None


def test_the_variance_of_sampling_has_no_bias():
    """The mean of c (k - c) / (k^2 (k - 1)) over c ~ B(4, 0.3) is 0.3 * 0.7 / 4."""
    chances = [0.2401, 0.4116, 0.2646, 0.0756, 0.0081]
    mean = sum(chance * sampling_se({"a": (c, 4)}) ** 2 for c, chance in enumerate(chances))
    assert mean == pytest.approx(0.3 * 0.7 / 4)


@given(COUNTS, st.randoms())
def test_the_order_of_problems_does_not_matter(pairs, random):
    mixed = list(pairs)
    random.shuffle(mixed)
    assert sampling_se(named(mixed)) == pytest.approx(sampling_se(named(pairs)))
    assert problem_se(shares_of(named(mixed))) == pytest.approx(problem_se(shares_of(named(pairs))))


@pytest.mark.parametrize("scores", [{}, {"a": (1, 0)}, {"a": (3, 2)}, {"a": (-1, 2)}])
def test_impossible_counts_are_refused(scores):
    with pytest.raises(ValueError, match=r"problem"):
        shares_of(scores)
