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
    weights = completion_weights([[1, 3], [4, 6]], aggregation=aggregation, max_completion_tokens=10)
    assert [weight for group in weights for weight in group] == pytest.approx(expected)


def test_an_empty_completion_weighs_nothing():
    """Lengths 0, 4: the group has 4 tokens, all in the second completion."""
    weights = completion_weights([[0, 4]], aggregation="prompt_token_mean", max_completion_tokens=9)
    assert weights == [[0.0, 0.25]]


def test_a_group_without_any_token_weighs_nothing():
    weights = completion_weights([[0, 0], [2, 2]], aggregation="prompt_token_mean", max_completion_tokens=9)
    assert weights == [[0.0, 0.0], [0.125, 0.125]]


@pytest.mark.parametrize("aggregation", ["prompt_token_mean", "batch_token_mean", "completion_mean", "fixed_length"])
def test_a_group_that_counts_twice_is_a_group_that_stands_there_twice(aggregation):
    """Dropped groups whose places copies of a live one take: each row of it at twice the weight."""
    choice = {"aggregation": aggregation, "max_completion_tokens": 10}
    written_out = completion_weights([[1, 3], [4, 6], [4, 6]], **choice)
    (first, counted_twice) = completion_weights([[1, 3], [4, 6]], copies=[1, 2], **choice)
    assert first == pytest.approx(written_out[0])
    assert counted_twice == pytest.approx([2 * weight for weight in written_out[1]])


def test_groups_of_unequal_size_and_weighed_tokens():
    """2 completions with 3 counted tokens and 1 with 1.5: the groups' means are halved over two prompts."""
    weights = completion_weights([[1, 2], [1.5]], aggregation="prompt_token_mean", max_completion_tokens=9)
    assert weights == [[1 / 6, 1 / 6], [1 / 3]]


def test_unknown_aggregation_is_refused():
    with pytest.raises(ValueError, match="median"):
        completion_weights([[1, 1]], aggregation="median", max_completion_tokens=9)
