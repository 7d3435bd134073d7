"""The best of equal checkpoints by luck, and a choice by successive halving."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.eval.compare.selection import (
    Round,
    best_of_equal,
    best_of_equal_normal,
    halving_rounds,
    luck_of,
    pooled_pass_rates,
    standings,
)


def test_the_best_of_two_coins_by_hand():
    """One problem, one sample, rate 1/2: the best of two is right with 3/4."""
    found = best_of_equal([0.5], num_samples=1, num_checkpoints=2)
    assert (found.mean, found.equal_score, found.gain) == pytest.approx((0.75, 0.5, 0.25))
    assert (found.low, found.high) == (0.0, 1.0)


def test_the_best_of_one_is_no_choice():
    found = best_of_equal([0.1, 0.7, 1.0], num_samples=4, num_checkpoints=1)
    assert found.gain == pytest.approx(0, abs=1e-12)


def test_the_best_of_21_agrees_with_draws():
    rates = np.linspace(0, 0.7, 30)
    found = best_of_equal(rates, num_samples=1, num_checkpoints=21)
    drawn = np.random.default_rng(0).binomial(1, rates, size=(4000, 21, 30)).mean(axis=2).max(axis=1)
    assert found.mean == pytest.approx(drawn.mean(), abs=0.003)
    assert found.low == pytest.approx(np.quantile(drawn, 0.05), abs=1 / 30)
    assert found.high == pytest.approx(np.quantile(drawn, 0.95), abs=1 / 30)


def test_the_best_of_normal_scores():
    """The largest of two standard normal numbers has the mean 1 / sqrt(pi); of one, 0; its 95 % bound is 1.645."""
    assert best_of_equal_normal(0.3, 0.05, num_checkpoints=2).gain == pytest.approx(0.05 / np.pi**0.5, rel=1e-3)
    one = best_of_equal_normal(0.0, 1.0, num_checkpoints=1)
    assert (one.mean, one.low, one.high) == pytest.approx((0, -1.645, 1.645), abs=1e-3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10), st.integers(1, 6), st.integers(1, 30))
def test_more_equal_checkpoints_never_look_worse(rates, num_samples, num_checkpoints):
    fewer = best_of_equal(rates, num_samples=num_samples, num_checkpoints=num_checkpoints)
    more = best_of_equal(rates, num_samples=num_samples, num_checkpoints=num_checkpoints + 1)
    assert -1e-9 <= fewer.gain <= more.gain + 1e-9
    assert more.low <= more.high <= 1


@pytest.mark.parametrize(
    ("rates", "num_samples", "num_checkpoints"), [([], 1, 1), ([0.5], 0, 1), ([0.5], 1, 0), ([1.5], 1, 1)]
)
def test_what_no_luck_can_be_told_of_is_refused(rates, num_samples, num_checkpoints):
    with pytest.raises(ValueError, match="must"):
        best_of_equal(rates, num_samples=num_samples, num_checkpoints=num_checkpoints)


@pytest.mark.parametrize(
    ("num_candidates", "expected"),
    [(1, [(1, 2)]), (2, [(2, 2)]), (5, [(5, 2), (3, 4), (2, 8)]), (8, [(8, 2), (4, 4), (2, 8)])],
)
def test_rounds_of_halving(num_candidates, expected):
    assert halving_rounds(num_candidates, num_samples=2) == [Round(*pair) for pair in expected]


def scored(*counts):
    return {f"p{number}": (count, 4) for number, count in enumerate(counts)}


def test_the_best_stay_and_the_first_named_leads_among_equals():
    candidates = {"10": scored(1, 2), "20": scored(2, 2), "30": scored(2, 2), "40": scored(0, 1)}
    found = standings(candidates, num_kept=2)
    assert [one.name for one in found] == ["20", "30", "10", "40"]
    assert [one.is_kept for one in found] == [True, True, False, False]
    assert found[0].behind_leader is None
    assert found[2].behind_leader.value == pytest.approx(-1 / 8)


def test_who_is_shown_to_be_behind_goes_though_half_may_stay():
    candidates = {"a": scored(*[4, 3] * 15), "b": scored(*[1, 0] * 15)}
    assert [one.is_kept for one in standings(candidates, num_kept=2)] == [True, False]


def test_candidates_are_compared_on_problems_of_all():
    candidates = {"a": {"x": (4, 4), "y": (0, 4)}, "b": {"y": (1, 4), "z": (4, 4)}}
    assert [(one.name, one.accuracy) for one in standings(candidates, num_kept=1)] == [("b", 0.25), ("a", 0.0)]
    assert pooled_pass_rates(candidates) == [1 / 8]
    for wrong in ({}, {"a": {"x": (1, 1)}, "b": {"y": (1, 1)}}):
        with pytest.raises(ValueError, match=r"candidate"):
            standings(wrong, num_kept=1)


def test_luck_of_candidates_is_that_of_their_pooled_rates():
    """Two candidates, one problem, pooled rate 1/2 at one sample: the best is right with 3/4."""
    found = luck_of({"a": {"x": (1, 1)}, "b": {"x": (0, 1)}})
    assert (found.num_checkpoints, found.equal_score, found.mean) == (2, 0.5, pytest.approx(0.75))
