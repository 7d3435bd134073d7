"""The advantages max_rl and opo: worked numbers, and what every advantage has to keep."""

from math import comb, nan

import pytest
import torch

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.registry import make_plugin


def _advantages(name, rewards, lengths=None, **options):
    rewards_P_G = torch.tensor(rewards, dtype=torch.float64)
    lengths_P_G = torch.full(rewards_P_G.shape, 10) if lengths is None else torch.tensor(lengths)
    return make_plugin(Choice("advantage", name, options))(rewards_P_G, lengths_P_G)


def _right_of_8(num_right):
    return [1.0] * num_right + [0.0] * (8 - num_right)


@pytest.mark.parametrize(("num_right", "right"), [(1, 7.0), (4, 1.0), (7, 1 / 7)])
def test_max_rl_divides_by_the_share_of_successes(num_right, right):
    """(1 - k) / k for a right one, -1 for a wrong one: k = 1/8, 4/8, 7/8."""
    found = _advantages("max_rl", [_right_of_8(num_right)])[0].tolist()
    assert found == pytest.approx([right] * num_right + [-1.0] * (8 - num_right))


@pytest.mark.parametrize(("group_size", "expected"), [(4, 0.243900), (8, 0.469533)])
def test_max_rl_is_the_expansion_of_order_one_less_than_the_group(group_size, expected):
    """A bandit with p = 0.1, all outcomes enumerated: (1 - p) (1 - (1 - p)^(G - 1))."""
    p, gradient = 0.1, 0.0
    for num_right in range(group_size + 1):
        found = _advantages("max_rl", [[1.0] * num_right + [0.0] * (group_size - num_right)])[0]
        scores = torch.tensor([1 - p] * num_right + [-p] * (group_size - num_right), dtype=torch.float64)
        chance = comb(group_size, num_right) * p**num_right * (1 - p) ** (group_size - num_right)
        gradient += chance * (found * scores).mean().item()
    assert gradient == pytest.approx(expected, abs=5e-7)
    assert gradient == pytest.approx((1 - p) * (1 - (1 - p) ** (group_size - 1)))


def test_max_rl_bounds_rare_successes():
    """1 of 16 with min_mean 1/8: (1 - 1/16) / (1/8) = 7.5 in the place of 15, and -0.5 in the place of -1."""
    found = _advantages("max_rl", [[1.0] + [0.0] * 15], min_mean=0.125)[0].tolist()
    assert found == pytest.approx([7.5] + [-0.5] * 15)
    assert _advantages("max_rl", [_right_of_8(4)], min_mean=0.125)[0, 0].item() == 1.0


@pytest.mark.parametrize("rewards", [[-0.5, -1.0, 1.0, 0.0], [1.0, -1.0, 0.0, 0.0], [0.0, -1.0, -1.0, -1.0]])
@pytest.mark.parametrize("min_mean", [0.0, 0.125])
def test_max_rl_leaves_out_a_group_whose_mean_is_not_positive(rewards, min_mean):
    """Dividing by a negative mean would turn the signs over: laser and hapo can bring it there."""
    assert _advantages("max_rl", [rewards], min_mean=min_mean).tolist() == [[0.0] * 4]


def test_opo_weighs_the_baseline_by_length():
    """(100 + 100) / 1000 = 0.2, where the mean is 0.667."""
    found = _advantages("opo", [[1.0, 1.0, 0.0]], [[100, 100, 800]])[0].tolist()
    assert found == pytest.approx([0.8, 0.8, -0.2])


def test_opo_is_the_plain_mean_where_lengths_are_equal_or_all_zero():
    for length in (0, 7):
        found = _advantages("opo", [[1.0, 0.0, 0.0, 0.0]], [[length] * 4])[0].tolist()
        assert found == pytest.approx([0.75, -0.25, -0.25, -0.25])


def test_opo_leaves_an_unscored_completion_out_of_the_lengths():
    """Without the 800: (100 * 1) / 200 = 0.5."""
    found = _advantages("opo", [[1.0, 0.0, nan]], [[100, 100, 800]])[0].tolist()
    assert found == pytest.approx([0.5, -0.5, 0.0])


def test_max_rl_leaves_an_unscored_completion_out_of_the_mean():
    """Mean 1/2 of two: 1 and -1."""
    assert _advantages("max_rl", [[1.0, 0.0, nan]])[0].tolist() == [1.0, -1.0, 0.0]


@pytest.mark.parametrize("name", ["max_rl", "opo"])
@pytest.mark.parametrize(
    "rewards",
    [
        [0.1] * 7,  # a mean of seven 0.1 is not 0.1 in the last bit
        [0.0] * 7,
        [-0.3] * 7,
        [nan] * 7,
        [nan] * 6 + [1.0],
        [0.1, nan, 0.1, 0.1, nan, 0.1, 0.1],
    ],
)
def test_a_group_that_teaches_nothing_is_exactly_0(name, rewards):
    """A group beside it with signal keeps its numbers."""
    lengths = [[3, 9, 2, 7, 5, 1, 4]] * 2
    found = _advantages(name, [rewards, [1.0] + [0.0] * 6], lengths)
    assert found[0].tolist() == [0.0] * 7
    assert found[1].tolist() == _advantages(name, [[1.0] + [0.0] * 6], lengths[1:])[0].tolist()
    assert found[1, 0] > 0


@pytest.mark.parametrize("name", ["max_rl", "opo"])
def test_a_group_of_one_is_0(name):
    assert _advantages(name, [[1.0]]).tolist() == [[0.0]]


@pytest.mark.parametrize("name", ["max_rl", "opo"])
def test_advantages_keep_dtype_and_arguments(name):
    rewards_P_G = torch.tensor([[1.0, 0.0, nan]])
    lengths_P_G = torch.tensor([[1, 2, 3]])
    found = make_plugin(Choice("advantage", name, {}))(rewards_P_G, lengths_P_G)
    assert found.dtype == torch.float32
    assert (rewards_P_G[0, :2].tolist(), lengths_P_G.tolist()) == ([1.0, 0.0], [[1, 2, 3]])


@pytest.mark.parametrize("value", [-0.1, "much", float("nan")])
def test_an_unusable_option_is_named(value):
    with pytest.raises(ConfigError) as caught:
        make_plugin(Choice("advantage", "max_rl", {"min_mean": value}))
    assert [problem.where for problem in caught.value.problems] == ["algorithm.advantage.min_mean"]
