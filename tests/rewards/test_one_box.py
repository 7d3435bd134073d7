"""The reward for answering in exactly one box."""

import pytest

from leanrl.rewards.one_box import one_box
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"2 + 2 = \boxed{4}", 1.0),
        (r"\boxed {4}", 1.0),  # a space before the brace, as some models write
        (r"\boxed{\frac{1}{2}}", 1.0),  # braces inside
        (r"\boxed{\{1, 2\}}", 1.0),  # escaped braces are no braces
        (r"\boxed{5}", 1.0),  # right or wrong is for `accuracy`
        ("", 0.0),
        ("The answer is 4.", 0.0),
        (r"\boxed{4", 0.0),  # cut off
        (r"\boxed{\frac{1}{2}", 0.0),  # the inner brace is closed, the box is not
        (r"\boxed{4\}", 0.0),  # an escaped brace closes nothing
        (r"\boxed 4", 0.0),
        (r"\boxed{}", 0.0),  # gamed: a box with nothing in it
        (r"\boxed{ }", 0.0),
        (r"\boxed{3} or \boxed{4}", 0.0),  # gamed: several answers
        (r"\boxed{\boxed{4}}", 0.0),
        (r"\boxed{4} \boxed{", 0.0),
        (r"\boxed{4} and \fbox{5}", 0.0),  # gamed: the other command that the grader reads
        (r"\fbox{4}", 1.0),
        (r"\boxedfoo{4}", 0.0),
        (r"<think>\boxed{3}?</think> \boxed{4}", 1.0),  # thoughts are no answer
        (r"<think>\boxed{3}</think> 4", 0.0),
        (r"<think>so \boxed{4}, or", 0.0),  # cut off in thought
        (r"[THINK]so \boxed{4}, or", 0.0),
    ],
)
def test_one_box(text, expected):
    """1 for one box that is closed and holds something."""
    assert one_box(make_sample(text)) == expected


def test_a_box_in_thoughts_that_the_prompt_opened_pays_once_they_are_closed():
    assert one_box(make_sample(r"so \boxed{4}", opened_tag="<thinking>")) == 0.0
    assert one_box(make_sample(r"so</thinking> \boxed{4}", opened_tag="<thinking>")) == 1.0


@pytest.mark.parametrize("content", ["~", "{}", r"\,", r"\text{}", "\u200b", r"\phantom{4}", "."])
def test_a_box_in_which_nothing_can_be_seen_pays_nothing(content):
    assert one_box(make_sample(rf"\boxed{{{content}}}")) == 0.0
