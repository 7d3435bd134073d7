"""The reward for a thinking part and a tagged answer."""

import pytest

from leanrl.rewards.think_answer import think_answer
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>2 and 2</think><answer>4</answer>", 1.0),
        ("<think>\n2 and 2\n</think>\n<answer>\n4\n</answer>\n", 1.0),
        ("2 and 2\n</think>\n<answer>4</answer>", 1.0),  # the opening tag was in the prompt
        ("", 0.0),
        ("4", 0.0),
        ("<answer>4</answer>", 0.0),
        ("<think>2 and 2</think>4", 0.0),
        ("<think>2 and 2<answer>4</answer>", 0.0),  # thinking never closed
        ("<think>2 and 2</think><answer>4", 0.0),  # cut off
        ("<answer>4</answer><think>2 and 2</think>", 0.0),  # the wrong order
        ("<think></think><answer>4</answer>", 0.0),  # gamed: no thought
        ("<think>2 and 2</think><answer> </answer>", 0.0),  # gamed: no answer
        ("<think>a</think><answer>4</answer><answer>5</answer>", 0.0),  # gamed: two answers
        ("<think>a</think><think>b</think><answer>4</answer>", 0.0),
        ("<think>a</think><answer><answer>4</answer></answer>", 0.0),
        ("<think>a</think> so <answer>4</answer>", 0.0),  # words between
        ("<think>a</think><answer>4</answer> I hope so", 0.0),  # words behind
        ("Well, <think>a</think><answer>4</answer>", 0.0),  # words before
        (".</think><answer>.</answer>", 0.0),  # gamed: nothing but marks
        ("<think>\u200b</think><answer>4</answer>", 0.0),
        ("<think>2 and 2</think><answer>&nbsp;<br></answer>", 0.0),
        ("<thinking>2 and 2</thinking><answer>4</answer>", 1.0),  # any pair of tags for thinking
        ("[THINK]2 and 2[/THINK]<answer>4</answer>", 1.0),
        ("<|end_of_thought|><answer>4</answer>", 0.0),
        ("<think>2 and 2</thinking><answer>4</answer>", 0.0),  # not a pair
    ],
)
def test_think_answer(text, expected):
    """Each part once, in order, with something in it and nothing beside it."""
    assert think_answer(make_sample(text)) == expected


def test_the_closing_tag_is_that_of_what_the_prompt_opened():
    text = "2 and 2</thought><answer>4</answer>"
    assert think_answer(make_sample(text, opened_tag="<thought>")) == 1.0
    assert think_answer(make_sample(text, opened_tag="<think>")) == 0.0
