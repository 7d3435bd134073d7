"""Advantages, worked by hand."""

import math

import pytest
import torch

from leanrl.algorithms.advantages import group_advantages, summed_rewards

REWARDS = torch.tensor([0.0, 1.0, 2.0, 3.0, 3.0, 6.0], dtype=torch.float64)  # groups (0, 1, 2) and (3, 3, 6)
SPREAD = math.sqrt(3.0)  # of the second group: sqrt((1 + 1 + 4) / 2)
BATCH_SPREAD = math.sqrt((2.5**2 + 1.5**2 + 0.5**2 + 0.5**2 + 0.5**2 + 3.5**2) / 5)  # around 2.5


@pytest.mark.parametrize(
    ("baseline", "scale", "expected"),
    [
        ("mean", "none", [-1, 0, 1, -1, -1, 2]),  # Dr. GRPO
        ("mean", "group", [-1 / 1.0001, 0, 1 / 1.0001, *(x / (SPREAD + 1e-4) for x in (-1, -1, 2))]),  # GRPO
        ("mean", "batch", [x / (BATCH_SPREAD + 1e-4) for x in (-1, 0, 1, -1, -1, 2)]),
        ("leave_one_out", "none", [-1.5, 0, 1.5, -1.5, -1.5, 3]),  # 0 - (1 + 2) / 2, ..., 6 - (3 + 3) / 2
    ],
)
def test_advantages(baseline, scale, expected):
    advantages = group_advantages(REWARDS.view(2, 3), baseline=baseline, scale=scale)
    assert advantages.flatten().tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_equal_rewards_are_exactly_zero(scale):
    """The mean of seven times 0.7 is not 0.7 in fp32, and over a spread of 1e-4 that would be a signal."""
    rewards = torch.tensor([0.7] * 7 + [0.0, 1.0, 0.3, 0.3, 0.3, 0.3, 0.3])
    assert rewards[:7].mean() != rewards[0]
    advantages = group_advantages(rewards.view(2, 7), baseline="mean", scale=scale)
    assert advantages[0].tolist() == [0.0] * 7
    assert advantages[1].abs().min() > 0


def test_groups_of_one_are_refused():
    with pytest.raises(ValueError, match="a group has at least 2"):
        group_advantages(torch.zeros(4, 1), baseline="mean", scale="none")


@pytest.mark.parametrize("choice", [{"baseline": "median", "scale": "none"}, {"baseline": "mean", "scale": "mad"}])
def test_unknown_choices_are_refused(choice):
    with pytest.raises(ValueError, match="must be"):
        group_advantages(torch.zeros(2, 2), **choice)


NAN = math.nan
# Groups (0, -, 2, 4), (-, -, -, 5), (-, -, -, -): three are scored, one is, none is.
SKIPPED = torch.tensor([0.0, NAN, 2.0, 4.0, NAN, NAN, NAN, 5.0, NAN, NAN, NAN, NAN], dtype=torch.float64)


@pytest.mark.parametrize(
    ("baseline", "scale", "first_group"),
    [
        ("mean", "none", [-2, 0, 0, 2]),
        ("leave_one_out", "none", [-3, 0, 0, 3]),  # 0 - (2 + 4) / 2, 4 - (0 + 2) / 2
        ("mean", "group", [-2 / 2.0001, 0, 0, 2 / 2.0001]),  # sqrt((4 + 0 + 4) / 2) = 2
        # 0, 2, 4, 5 around 2.75: sqrt((7.5625 + 0.5625 + 1.5625 + 5.0625) / 3) = sqrt(59 / 12)
        ("mean", "batch", [x / (math.sqrt(59 / 12) + 1e-4) for x in (-2, 0, 0, 2)]),
    ],
)
def test_a_completion_without_a_reward_is_left_out(baseline, scale, first_group):
    """Of means and spreads; its own advantage is 0, and so is that of one that is alone with its reward."""
    advantages = group_advantages(SKIPPED.view(3, 4), baseline=baseline, scale=scale)
    assert advantages.flatten().tolist() == pytest.approx(first_group + [0.0] * 8, abs=1e-12)


def test_a_reward_that_skips_adds_nothing():
    """2 * 1 + 0.5 * 4 = 4; 2 * 3 without the other; nothing at all."""
    summed = summed_rewards(torch.tensor([[1.0, 4.0], [3.0, NAN], [NAN, NAN]]), torch.tensor([2.0, 0.5]))
    assert summed[:2].tolist() == [4.0, 6.0]
    assert summed[2].isnan()
