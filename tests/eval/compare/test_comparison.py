"""Two evaluations compared: numbers by hand, and what must hold of any two."""

import json
import random as random_numbers

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.eval.compare.comparison import compare, compare_all
from leanrl.eval.compare.design import problems_needed, samples_needed, smallest_difference, smallest_normal_difference
from leanrl.eval.compare.difference import paired_difference, paired_differences

NUM_SAMPLES = 4
COUNTS = st.lists(st.integers(0, NUM_SAMPLES), min_size=1, max_size=30)


def scored(counts, num_samples=NUM_SAMPLES):
    return {f"p{number}": (count, num_samples) for number, count in enumerate(counts)}


def test_a_table_of_two_by_two_by_hand():
    """One sample of 40 problems: 10 right in both, 12 only in the other, 2 only in the base, 16 in none.

    Difference (12 - 2) / 40 = 0.25. Sum of squares 14, variance (14 - 40 / 16) / 39 = 0.294872 a problem.
    Exact sign-flip (McNemar): 2 * (C(14,0) + C(14,1) + C(14,2)) / 2^14 = 212 / 16384.
    """
    base = scored([1] * 10 + [0] * 12 + [1] * 2 + [0] * 16, 1)
    other = scored([1] * 10 + [1] * 12 + [0] * 2 + [0] * 16, 1)
    found = paired_difference("any", base, other)
    assert (found.base, found.other, found.value) == pytest.approx((0.3, 0.55, 0.25))
    assert found.problem_se == pytest.approx((0.294872 / 40) ** 0.5, rel=1e-5)
    assert found.sampling_se is None
    assert found.p_value == pytest.approx(212 / 16384)
    assert found.test == "sign_flip"
    half = 2.02269 * found.problem_se
    assert (found.interval.low, found.interval.high) == pytest.approx((0.25 - half, 0.25 + half), rel=1e-4)


@given(COUNTS)
def test_an_evaluation_does_not_differ_from_itself(counts):
    found = compare({"a": scored(counts)}, {"a": scored(counts)}).findings[0]
    assert found.difference.value == 0
    assert found.difference.p_value == found.p_holm == 1
    assert not found.is_shown
    assert found.difference.interval.low < 0 < found.difference.interval.high
    assert found.samples_needed is None
    assert found.problems_needed is None


@given(st.lists(st.tuples(st.integers(0, NUM_SAMPLES), st.integers(0, NUM_SAMPLES)), min_size=1, max_size=30))
def test_order_and_direction_do_not_matter(pairs):
    base, other = scored([one for one, _ in pairs]), scored([two for _, two in pairs])
    names = list(base)
    random_numbers.Random(0).shuffle(names)
    found = paired_difference("any", base, other)
    assert paired_difference("any", {name: base[name] for name in names}, other) == found
    turned = paired_difference("any", other, base)
    assert turned.value == pytest.approx(-found.value)
    assert turned.p_value == pytest.approx(found.p_value)
    assert turned.problem_se == pytest.approx(found.problem_se)


def test_only_problems_of_both_count():
    base, other = {"a": (0, 4), "b": (4, 4), "x": (4, 4)}, {"b": (2, 4), "a": (4, 4), "y": (0, 4), "z": (0, 4)}
    found = paired_difference("any", base, other)
    assert (found.num_problems, found.num_left_out) == (2, 3)
    assert (found.base, found.other) == (0.5, 0.75)
    with pytest.raises(ValueError, match="share no problem"):
        paired_difference("any", {"a": (0, 4)}, {"b": (0, 4)})


def test_holm_runs_over_all_contrasts_of_one_call():
    base, better = {"a": scored([0] * 10), "b": scored([2] * 10)}, {"a": scored([1] * 10), "b": scored([2] * 10)}
    differences = paired_differences(base, better)
    (alone,) = compare_all([differences])
    both = compare_all([differences, differences])
    assert alone.findings[0].p_holm == pytest.approx(2 * 2 / 1024)
    assert both[0].findings[0].p_holm == pytest.approx(4 * 2 / 1024)
    assert both[0].num_tests == 4
    with pytest.raises(ValueError, match="share no problem"):
        compare({"a": scored([1])}, {"b": scored([1])})


def test_the_smallest_difference_by_hand():
    """30 problems: t_0.975 + t_0.8 of 29 degrees = 2.04523 + 0.85419; for z 1.95996 + 0.84162."""
    assert smallest_difference(0.02, num_problems=30) == pytest.approx(2.89942 * 0.02, rel=1e-5)
    assert smallest_normal_difference(0.02) == pytest.approx(2.80158 * 0.02, rel=1e-5)
    assert smallest_difference(0.02, num_problems=5) is None
    assert smallest_difference(0.02, num_problems=6) is not None


def test_samples_and_problems_that_a_difference_needs():
    """All noise is of sampling, and half the difference is there: four times the samples, four times the problems."""
    values = {"smallest": 0.08, "error": 0.03, "num_samples": 4}
    assert samples_needed(0.04, sampling_error=0.03, **values) == 16
    assert problems_needed(0.04, smallest=0.08, num_problems=30) == 120
    # (0.03 / 2)^2 is less than what lasts, 0.03^2 - 0.01^2: no number of samples does it
    assert samples_needed(0.04, sampling_error=0.01, **values) is None
    assert samples_needed(0.04, sampling_error=None, **values) is None
    assert samples_needed(0.0, sampling_error=0.03, **values) is None
    assert problems_needed(0.0, smallest=0.08, num_problems=30) is None


def test_the_samples_that_are_needed_make_the_difference_the_smallest_that_is_seen():
    """0.02^2 lasts, 0.03^2 shrinks with samples; 80 % power at 0.12 asks for an error of 0.12 / 2.9."""
    wanted, lasting, noise = (0.12 / 2.9) ** 2, 0.02**2, 0.06**2
    found = samples_needed(
        0.12,
        smallest=2.9 * (lasting + noise) ** 0.5,
        error=(lasting + noise) ** 0.5,
        sampling_error=0.06,
        num_samples=4,
    )
    assert lasting + noise * 4 / found <= wanted < lasting + noise * 4 / (found - 1)


def test_the_mean_over_benchmarks_by_hand():
    found = compare(
        {"a": scored([0, 1, 2, 3] * 5), "b": scored([1, 2] * 10)},
        {"a": scored([1, 1, 3, 4] * 5), "b": scored([1, 3] * 10)},
    )
    errors = [finding.difference.error for finding in found.findings]
    assert found.macro.value == pytest.approx((3 / 16 + 1 / 8) / 2)
    assert found.macro.error == pytest.approx((errors[0] ** 2 + errors[1] ** 2) ** 0.5 / 2)
    assert json.dumps(found.macro.p_value)
