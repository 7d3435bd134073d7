"""The format reward of the paper's runs."""

import pytest

from leanrl.rewards.paper.format_as_run import format_as_run
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 and 2 make 4.\n</think>\n\\boxed{4}", 1.0),
        ("<think>\n2 and 2 make 4.\n</think>\n\\boxed{4}", 1.0),
        ("\n</think>\n", 1.0),  # gamed: no thought and no answer pay all the same
        ("", 0.0),
        ("\\boxed{4}", 0.0),
        ("thought</think>\n\\boxed{4}", 0.0),  # no line break before the tag
        ("thought\n</think>\\boxed{4}", 0.0),  # none after it
        ("thought\n</think>", 0.0),  # cut off right after the tag
        ("a\n</think>\nb\n</think>\nc", 0.0),  # twice
        ("a\n</think>\n</think>\nb", 1.0),  # the second shares its line break with the first: str.count sees one
    ],
)
def test_format_as_run(text, expected):
    """The closing tag on a line of its own, exactly once."""
    assert format_as_run(make_sample(text)) == expected
