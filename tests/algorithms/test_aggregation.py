"""Weights of completions, worked by hand."""

import pytest

from leanrl.algorithms.aggregation import completion_weights


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ("prompt_token_mean", [1 / 8, 1 / 8, 1 / 20, 1 / 20]),  # groups of 4 and 10 tokens, 2 prompts
        ("batch_token_mean", [1 / 14, 1 / 14, 1 / 14, 1 / 14]),  # 14 tokens in all
        ("completion_mean", [1 / 4, 1 / 12, 1 / 16, 1 / 24]),  # length x 4 completions
        ("fixed_length", [1 / 40, 1 / 40, 1 / 40, 1 / 40]),  # 10 tokens x 4 completions
    ],
)
def test_weights(aggregation, expected):
    """Lengths 1, 3 | 4, 6 in two groups of two."""
    weights = completion_weights([1, 3, 4, 6], group_size=2, aggregation=aggregation, max_completion_tokens=10)
    assert weights == pytest.approx(expected)


def test_an_empty_completion_weighs_nothing():
    """Lengths 0, 4: the group has 4 tokens, all in the second completion."""
    weights = completion_weights([0, 4], group_size=2, aggregation="prompt_token_mean", max_completion_tokens=9)
    assert weights == [0.0, 0.25]


def test_a_group_without_any_token_weighs_nothing():
    weights = completion_weights([0, 0, 2, 2], group_size=2, aggregation="prompt_token_mean", max_completion_tokens=9)
    assert weights == [0.0, 0.0, 0.125, 0.125]


def test_broken_groups_are_refused():
    with pytest.raises(ValueError, match="5 completions do not form groups of 2"):
        completion_weights([1] * 5, group_size=2, aggregation="batch_token_mean", max_completion_tokens=9)


def test_unknown_aggregation_is_refused():
    with pytest.raises(ValueError, match="median"):
        completion_weights([1, 1], group_size=2, aggregation="median", max_completion_tokens=9)
