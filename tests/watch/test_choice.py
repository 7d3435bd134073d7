"""The checkpoint that a run goes back to."""

import pytest

from leanrl.watch.choice import chosen_step


@pytest.mark.parametrize(
    ("steps", "bounds", "since", "expected"),
    [
        ([50, 100, 150], {}, 120, 100),  # none evaluated: the newest from before
        ([100, 150], {}, 80, 100),  # all later: the oldest
        ([50, 100], {}, 100, 50),  # the first step of the fault is part of it
        ([50, 100, 150], {50: 0.4, 100: 0.3, 150: 0.2}, 120, 50),
        ([50, 100, 150, 160], {50: 0.4, 100: 0.4, 150: 0.4, 160: 0.4}, 120, 100),  # equals: the newest from before
        ([150, 160], {150: 0.1, 160: 0.1}, 120, 150),
        ([50, 100, 150], {100: 0.1}, 60, 100),  # one that was evaluated comes before one that was not
        ([50, 160], {50: 0.2, 160: 0.6}, 120, 160),  # a false alarm: the policy as it is does best
        ([50, 100], {50: -0.3, 100: -0.1}, 120, 100),  # bounds of differences may be negative
    ],
)
def test_choice(steps, bounds, since, expected):
    assert chosen_step(steps, bounds, since_step=since) == expected
