"""A sentence around a value goes, as long as it says nothing about the value."""

import pytest

from leanrl.grading.text.sentence import drop_sentence


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        (r"\text{The answer is }5", "5"),
        (r"\text{The answer is 5}", r"\text{5}"),
        (r"\text{Answer: }5", "5"),
        ("Final answer: 5", "5"),
        ("The correct option is (B)", "(B)"),
        (r"5 \text{ is the answer.}", "5"),
        (r"\text{Thus, }x=5", "x=5"),
        ("It is 5", "5"),
        ("There are 5 ways", "5 ways"),
        (r"\text{The area is }5", r"\text{area} = 5"),
        (r"\text{The value of }x\text{ is }5", "x = 5"),
        ("The sum of the roots is 7", r"\text{sum of the roots} = 7"),
        ("答案是5", "5"),
    ],
)
def test_sentence(sentence, value):
    """What introduces a value goes; a quantity that is told becomes a name."""
    assert drop_sentence(sentence) == value


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "x",
        "",
        "so",
        "the answer",
        r"\text{no solution}",
        "the wrong answer is 5",
        "twice the answer is 5",
        "the answer may be 5",
        "area = 5",
        r"\text{a change of } -5",
    ],
)
def test_what_stays(text):
    """No sentence, or one that says more than that this is the answer."""
    assert drop_sentence(text) == text


def test_a_denial_stays_before_the_value():
    """The rest is words, and no number."""
    assert drop_sentence("The answer is not 5") == "not 5"
