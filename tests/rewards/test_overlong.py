"""The soft punishment of completions that come close to the length limit."""

import pytest

from leanrl.rewards.overlong import overlong
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("num_tokens", "expected"),
    [
        # limit 100, slope 20: 0 up to 80, then (80 - tokens) / 20
        (0, 0.0),
        (80, 0.0),
        (81, -0.05),
        (90, -0.5),
        (100, -1.0),
        (150, -1.0),
    ],
)
def test_the_default_slope_is_a_fifth_of_the_limit(num_tokens, expected):
    """Right or wrong does not matter, only length."""
    assert overlong(make_sample(num_tokens=num_tokens, max_completion_tokens=100)) == pytest.approx(expected)


@pytest.mark.parametrize(("num_tokens", "expected"), [(40, 0.0), (45, -0.5), (50, -1.0), (60, -1.0)])
def test_a_limit_of_its_own(num_tokens, expected):
    """Limit 50, slope 10: at 45 tokens (40 - 45) / 10 = -0.5."""
    sample = make_sample(num_tokens=num_tokens, max_completion_tokens=100)
    assert overlong(sample, max_tokens=50, cache_tokens=10) == pytest.approx(expected)


def test_a_slope_longer_than_the_limit_begins_at_no_tokens():
    """Limit 100, slope cut to 100: at 25 tokens -0.25, and never above 0."""
    sample = make_sample(num_tokens=25, max_completion_tokens=100)
    assert overlong(sample, cache_tokens=1000) == pytest.approx(-0.25)
