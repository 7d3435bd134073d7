"""The fraction of 4-grams that repeat."""

import random

import pytest

from leanrl.rewards.repetition import repetition
from leanrl.rewards.text.fourgrams import repeated_4gram_share
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([], 0.0),
        ([1, 2, 3], 0.0),
        ([1, 2, 3, 4], 0.0),
        ([7] * 8, 0.8),  # five equal 4-grams
        ([1, 2, 3, 4, 1, 2, 3, 4], 0.2),  # 1234 2341 3412 4123 1234
    ],
)
def test_shares(ids, expected):
    assert repeated_4gram_share(ids) == pytest.approx(expected)


def test_it_counts_as_the_reward_does():
    rng = random.Random(0)
    for size in (5, 50, 500):
        for largest in (1, 3, 200_000):
            ids = [rng.randint(0, largest) for _ in range(size)]
            sample = make_sample("", token_ids=ids, num_tokens=size)
            assert repeated_4gram_share(ids) == pytest.approx(-repetition(sample, ngram_tokens=4))
