"""pass@j by hand."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.eval.scores.pass_at import draws_to_report, pass_at, pass_at_one_problem
from leanrl.eval.scores.standard_errors import sampling_se


@pytest.mark.parametrize(
    ("num_correct", "num_samples", "draws", "expected"),
    [
        (1, 4, 1, 0.25),
        (1, 4, 2, 0.5),  # 3 of the 6 pairs hold the right one
        (2, 4, 2, 5 / 6),  # 1 of the 6 pairs is wrong twice
        (1, 4, 4, 1.0),
        (0, 4, 4, 0.0),
        (3, 4, 2, 1.0),  # two wrong ones do not exist
    ],
)
def test_pass_at_of_one_problem(num_correct, num_samples, draws, expected):
    assert pass_at_one_problem(num_correct, num_samples, draws) == pytest.approx(expected)


@given(st.integers(1, 9).flatmap(lambda k: st.tuples(st.integers(0, k), st.just(k), st.integers(1, k))))
def test_it_is_the_share_of_subsets_with_a_right_one(case):
    num_correct, num_samples, draws = case
    subsets = list(itertools.combinations([True] * num_correct + [False] * (num_samples - num_correct), draws))
    share = sum(any(subset) for subset in subsets) / len(subsets)
    assert pass_at_one_problem(num_correct, num_samples, draws) == pytest.approx(share)


def test_more_draws_than_samples_are_refused():
    with pytest.raises(ValueError, match="pass@5 needs 5 samples"):
        pass_at_one_problem(1, 4, 5)


def test_the_errors_of_pass_at_1_are_those_of_the_mean():
    scores = {"a": (1, 4), "b": (3, 4), "c": (0, 4)}
    found = pass_at(scores, 1)
    assert found.value == pytest.approx(1 / 3)
    assert found.sampling_se == pytest.approx(sampling_se(scores))
    assert found.problem_se == pytest.approx((((1 / 12) ** 2 + (5 / 12) ** 2 + (1 / 3) ** 2) / 2 / 3) ** 0.5)


def test_the_sampling_error_of_pass_at_2_by_hand():
    """1 of 2 right, j = 2: right with 3/4, variance 3/16, times k / (k - 1) = 2."""
    assert pass_at({"a": (1, 2)}, 2).sampling_se == pytest.approx((3 / 8) ** 0.5)
    assert pass_at({"a": (1, 1)}, 1).sampling_se is None


@pytest.mark.parametrize(
    ("num_samples", "expected"), [(1, [1]), (3, [1, 3]), (4, [1, 4]), (10, [1, 4, 10]), (16, [1, 4, 16])]
)
def test_which_draws_are_reported(num_samples, expected):
    assert list(draws_to_report(num_samples)) == expected
