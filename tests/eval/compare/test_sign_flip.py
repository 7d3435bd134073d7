"""The sign-flip test against all choices of signs, and Holm's correction by hand."""

import itertools
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.eval.compare.holm import holm
from leanrl.eval.compare.sign_flip import least_p_value, sign_flip_test, whole_differences


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1, 1, 1], 2 / 8),  # +++ and ---
        ([3, 1, -1], 6 / 8),  # of the sums 5, 3, 3, 1 and their negatives, all but 1 and -1 are as far as 3
        ([1, -1], 1.0),
        ([0, 0], 1.0),
        ([2, 0, 0], 1.0),
        ([1] * 10, 2 / 1024),
    ],
)
def test_p_values_by_hand(differences, expected):
    found = sign_flip_test(np.array(differences))
    assert found.is_exact
    assert found.p_value == pytest.approx(expected)


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_the_exact_p_value_counts_all_choices_of_signs(differences):
    observed = abs(sum(differences))
    sums = [
        abs(sum(sign * size for sign, size in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    assert sign_flip_test(np.array(differences)).p_value == pytest.approx(sum(s >= observed for s in sums) / len(sums))


def test_drawn_signs_come_near_the_exact_p_value():
    differences = np.array([5, -3, 8, 2, -1, 7, 4, -6, 9, 3])
    drawn, exact = sign_flip_test(differences, max_total=0), sign_flip_test(differences)
    assert not drawn.is_exact
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.01)
    assert drawn == sign_flip_test(differences, max_total=0)
    assert sign_flip_test(np.ones(60, dtype=int), max_total=0).p_value == 1 / 20_001


def test_differences_of_unlike_numbers_of_samples_have_one_unit():
    """1/2 - 1/3 = 1/6 and 0/2 - 2/3 = -4/6, in sixths."""
    base, other = {"a": (1, 3), "b": (2, 3)}, {"a": (1, 2), "b": (0, 2)}
    assert whole_differences(base, other, ["a", "b"]).tolist() == [1, -4]


def test_numbers_of_samples_without_a_common_unit_are_rounded():
    """Problems of 1 to 60 samples have a common unit of less than 1e-24."""
    base = {f"p{samples}": (samples // 2, samples) for samples in range(1, 61)}
    other = {f"p{samples}": (samples, samples) for samples in range(1, 61)}
    differences = whole_differences(base, other, list(base))
    assert (differences / 1e9).tolist() == pytest.approx([1 - s // 2 / s for s in range(1, 61)], abs=1e-9)
    assert sign_flip_test(differences).p_value == pytest.approx(1 / 20_001)


def test_a_benchmark_of_many_problems_has_an_exact_p_value():
    """Of 675 problems the sum of signed differences is near normal."""
    differences = np.random.default_rng(0).integers(-3, 4, size=675)
    found = sign_flip_test(differences)
    assert found.is_exact
    assert found.p_value == pytest.approx(
        2 * NormalDist().cdf(-abs(differences.sum()) / (differences**2).sum() ** 0.5), abs=0.02
    )


@pytest.mark.parametrize(("num_problems", "expected"), [(1, 1.0), (5, 1 / 16), (6, 1 / 32)])
def test_the_least_p_value_is_that_of_problems_that_all_differ_alike(num_problems, expected):
    assert least_p_value(num_problems) == expected
    assert sign_flip_test(np.ones(num_problems, dtype=int)).p_value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("p_values", "expected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 0.01 * 3; 0.03 * 2; 0.04 * 1, but no less than the one before
        ([0.05], [0.05]),
        ([0.9, 0.8], [1.0, 1.0]),
        ([], []),
    ],
)
def test_holm_by_hand(p_values, expected):
    assert holm(p_values) == pytest.approx(expected)
