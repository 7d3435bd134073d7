"""Which interval is given where, and what it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.eval.scores.intervals import carrying_problems, difference_interval, difference_se, score_interval


def test_a_t_interval_by_hand():
    """15 of 30 at 1/4, 15 at 3/4: mean 0.5, deviation sqrt(30 / 16 / 29), t of 29 degrees 2.0452."""
    found = score_interval(np.array([0.25, 0.75] * 15))
    half = 2.04523 * (30 / 16 / 29 / 30) ** 0.5
    assert found.method == "t"
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-5)


def test_the_bootstrap_from_100_problems_on():
    values = np.array([0.0, 0.25, 0.5, 1.0] * 25)
    found = score_interval(values)
    error = float(values.std() / 10)
    assert found.method == "bootstrap"
    assert found == score_interval(values[::-1])
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), rel=0.03
    )
    assert score_interval(values[:99]).method == "t"


@pytest.mark.parametrize("num_problems", [3, 30, 500])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_no_accuracy_is_certain(num_problems, share):
    """Wilson of 0 of 30: 0 to t^2 / (n + t^2) = 4.183 / 34.183."""
    found = score_interval(np.full(num_problems, share))
    assert found.method == "wilson"
    assert found.low < found.high
    assert found.low <= share <= found.high
    if (num_problems, share) == (30, 0.0):
        assert found.high == pytest.approx(4.18296 / 34.18296, abs=1e-5)


def test_one_sample_of_few_problems_is_a_binomial_share():
    """Wilson of 12 of 30, t^2 = 4.18297: centre (0.4 + 4.18297 / 60) / (1 + 4.18297 / 30)."""
    found = score_interval(np.array([1.0] * 12 + [0.0] * 18))
    assert found.method == "wilson"
    assert (found.low + found.high) / 2 == pytest.approx((0.4 + 4.18297 / 60) / (1 + 4.18297 / 30), rel=1e-5)
    assert score_interval(np.array([1.0] * 120 + [0.0] * 180)).method == "bootstrap"


@pytest.mark.parametrize("difference", [0.0, 1.0, -1.0])
def test_no_difference_is_certain(difference):
    found = difference_interval(np.full(30, difference))
    assert found.method == "guarded_t"
    assert found.low < found.high
    assert found.low <= difference <= found.high


def test_a_difference_stays_within_its_bounds():
    """Plain t of 8 problems, five of them wholly won, would reach to 1.11."""
    found = difference_interval(np.array([1.0] * 5 + [-0.75, -1.0, -1.0]))
    assert found.method == "t"
    assert found.high == 1.0


def test_the_guarded_error_by_hand():
    """Of 30 problems two differ, by +1 and -1; one more of each: (2 + 2) / 32, over 32.

    Five differ by 1/2, three up: sum 1/2, of squares 5/4; half a problem of each sign adds 1/4.
    """
    two = np.array([1.0, -1.0] + [0.0] * 28)
    assert carrying_problems(two) == pytest.approx(2)
    assert difference_se(two) == pytest.approx((4 / 32 / 32) ** 0.5)
    five = np.array([0.5] * 3 + [-0.5] * 2 + [0.0] * 25)
    assert difference_se(five) == pytest.approx(((1.5 / 32 - (0.5 / 32) ** 2) / 32) ** 0.5)


def test_the_plain_error_where_enough_problems_differ():
    differences = np.array([0.5, -0.25, 0.0] * 10)
    assert difference_se(differences) == pytest.approx(differences.std(ddof=1) / 30**0.5)
    assert difference_interval(differences).method == "t"


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=150))
def test_turning_the_two_models_around_turns_the_interval_around(quarters):
    differences = np.array(quarters) / 4
    one, other = difference_interval(differences), difference_interval(-differences)
    if one.method != "bootstrap":
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert -1 <= one.low <= differences.mean() <= one.high <= 1
