"""The shortest right answer of a group: who gets the point."""

import pytest

from leanrl.rewards.group.shortest_correct import shortest_correct
from leanrl.types import Sample, Verdict


def _sample(num_tokens, reason):
    return Sample(
        problem="?",
        gold="1",
        text="",
        num_tokens=num_tokens,
        max_completion_tokens=99,
        is_truncated=False,
        verdict=Verdict(reason, 0.0),
    )


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ([(9, "correct"), (5, "correct"), (7, "correct")], [0.0, 1.0, 0.0]),
        ([(5, "correct"), (5, "correct"), (7, "correct")], [1.0, 1.0, 0.0]),  # a tie: both
        ([(2, "wrong"), (8, "correct"), (1, "no_box")], [0.0, 1.0, 0.0]),  # short and wrong earns nothing
        ([(2, "wrong"), (3, "timeout")], [0.0, 0.0]),  # nobody is right
        ([(0, "correct"), (4, "correct")], [1.0, 0.0]),
    ],
)
def test_the_shortest_right_completion_earns_the_point(group, expected):
    assert shortest_correct([_sample(*member) for member in group]) == expected
