"""PODS: which completions of a group are trained."""

from itertools import combinations
from math import comb, isnan, nan
from random import Random

import pytest
import torch

from leanrl.algorithms.advantages import group_advantages
from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.protocols import Kept
from leanrl.seams.registry import make_plugin
from tests.seams.plugins.groups import make_group, spread

WORKED = [3.0, 2.5, 2.5, 1.0, 1.0, 1.0, 0.0, 0.0]


def _kept(group, rows):
    return make_plugin(Choice("keep_rows", "pods", {"rows": rows}))(group)


def test_the_widest_four_of_the_worked_group():
    """3, 2.5, 0, 0 with variance 2.5625, the most of all 70 choices; advantages by their own mean and spread."""
    kept = _kept(make_group(WORKED), 4)
    rewards = [WORKED[row] for row in kept.rows]
    assert (kept, rewards) == (Kept((0, 1, 6, 7), stats="kept", copies=1.0), [3.0, 2.5, 0.0, 0.0])
    assert spread(rewards) == pytest.approx(2.5625)
    assert max(spread(chosen) for chosen in combinations(WORKED, 4)) == pytest.approx(2.5625)
    advantages = group_advantages(torch.tensor([rewards]), baseline="mean", scale="group")
    assert advantages[0].tolist() == pytest.approx([1.0151, 0.7027, -0.8589, -0.8589], abs=5e-5)


def test_the_choice_is_as_wide_as_that_of_brute_force():
    """500 random groups, with ties and negative rewards, against all subsets."""
    random = Random(0)
    for _ in range(500):
        size = random.randint(3, 9)
        count = random.randint(2, size - 1)
        rewards = [random.choice([0.0, 1.0, -0.5, random.random()]) for _ in range(size)]
        kept = _kept(make_group(rewards), count).rows
        assert len(set(kept)) == count
        assert list(kept) == sorted(kept)
        best = max(spread(chosen) for chosen in combinations(rewards, count))
        assert spread([rewards[row] for row in kept]) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize(("num_right", "kept_right"), list(enumerate([0, 1, 2, 2, 2, 2, 2, 3, 4])))
def test_of_right_and_wrong_half_each_where_there_are_enough(num_right, kept_right):
    rewards = [1.0] * num_right + [0.0] * (8 - num_right)
    assert sum(rewards[row] for row in _kept(make_group(rewards), 4).rows) == kept_right


@pytest.mark.parametrize(("size", "count", "expected"), [(8, 4, 0.1185), (64, 16, 0.2217)])
def test_its_bias_is_the_one_that_the_docstring_names(size, count, expected):
    """The expected gradient of a bandit with p = 0.1, without a division by the spread; the true one is 0.090."""
    p, gradient = 0.1, 0.0
    for num_right in range(size + 1):
        rewards = [1.0] * num_right + [0.0] * (size - num_right)
        share = sum(rewards[row] for row in _kept(make_group(rewards), count).rows) / count
        chance = comb(size, num_right) * p**num_right * (1 - p) ** (size - num_right)
        gradient += chance * share * (1 - share)  # mean of (r - share) * (r - p)
    assert gradient == pytest.approx(expected, abs=5e-5)


def test_ties_prefer_short_right_and_whole_wrong_completions():
    """Of five right ones the two shortest, of five wrong ones the first two that are not truncated."""
    group = make_group(
        [1.0] * 5 + [0.0] * 5,
        lengths=[9, 3, 8, 3, 1, 9, 9, 2, 9, 9],
        truncated=[False] * 5 + [True, False, True, False, False],
    )
    assert _kept(group, 4).rows == (1, 4, 6, 8)


def test_of_equal_variances_the_one_with_more_right_ones_is_taken():
    """Two of three right or one of three: 2/9 both."""
    assert _kept(make_group([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]), 3).rows == (0, 1, 3)


def test_rounding_does_not_break_a_tie():
    """0.1 + 0.2 is not 0.3: mirrored rewards are equally wide, however they are added up."""
    assert _kept(make_group([0.3, 0.3, 0.1, 0.1]), 3).rows == (0, 1, 2)
    assert _kept(make_group([-0.1, -0.1, -0.3, -0.3]), 3).rows == (0, 1, 2)


def test_a_group_that_is_small_enough_is_kept_as_it_is():
    """Then nothing changes against a run without the plug-in, unscored completions included."""
    for rows in (3, 99):
        assert _kept(make_group([1.0, nan, 0.0]), rows) == Kept((0, 1, 2))


@pytest.mark.parametrize(
    ("rewards", "rows"),
    [([nan, 1.0, nan, 0.0], (1, 3)), ([nan] * 4, ()), ([nan, nan, nan, 1.0], (3,)), ([nan, 2.0, 1.0, 0.0], (1, 3))],
)
def test_an_unscored_completion_is_not_kept(rewards, rows):
    kept = _kept(make_group(rewards), 2).rows
    assert kept == rows
    assert not any(isnan(rewards[row]) for row in kept)


def test_equal_rewards_keep_as_many():
    assert _kept(make_group([0.5] * 6, lengths=[6, 5, 4, 3, 2, 1]), 2).rows == (4, 5)


@pytest.mark.parametrize("options", [{}, {"rows": 1}, {"rows": 0}, {"rows": 2.5}, {"rows": "4"}])
def test_rows_must_be_said_and_at_least_two(options):
    """One row has no spread."""
    with pytest.raises(ConfigError) as caught:
        make_plugin(Choice("keep_rows", "pods", options))
    assert [problem.where for problem in caught.value.problems] == ["algorithm.keep_rows.rows"]
