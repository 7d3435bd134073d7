"""The reward that adds a bonus for correct answers within a target length."""

import pytest

from leanrl.rewards.laser import laser
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("reason", "short", "long"),
    [
        ("correct", 1.5, 1.0),
        ("wrong", -0.5, -0.5),  # a short wrong answer earns no bonus
        ("no_box", -1.0, -1.0),  # gamed: saying nothing is the worst
        ("unparseable_answer", -0.5, -0.5),
        ("unparseable_gold", -0.5, -0.5),
        ("timeout", -0.5, -0.5),
        ("memory", -0.5, -0.5),
        ("died", -0.5, -0.5),
    ],
)
def test_laser(reason, short, long):
    """Target 50 tokens: 50 are within, 51 are not."""
    assert laser(make_sample(reason=reason, num_tokens=50), target_tokens=50) == short
    assert laser(make_sample(reason=reason, num_tokens=51), target_tokens=50) == long
