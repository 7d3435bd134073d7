"""The penalty for saying the same again."""

import pytest

from leanrl.rewards.repetition import repetition
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0.0),
        ("two words", 0.0),  # no n-gram of three
        ("one two three four", 0.0),  # 2 of 2 distinct
        ("a b c a b c", -0.25),  # abc bca cab abc: 3 of 4 distinct
        ("A b C a B c", -0.25),  # case does not hide it
        ("so so so so so so", -0.75),  # gamed length: 1 of 4 distinct
    ],
)
def test_repetition(text, expected):
    """-(1 - distinct / all) over n-grams of three words."""
    assert repetition(make_sample(text)) == pytest.approx(expected)


def test_options():
    """Pairs: ab bc ca ab, 3 of 4 distinct; twice the penalty: -2 (1 - 3/4) = -0.5."""
    assert repetition(make_sample("a b c a b"), ngram_words=2, max_penalty=-2.0) == pytest.approx(-0.5)
