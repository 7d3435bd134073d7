"""The penalty for saying the same again."""

import pytest
from trl.rewards import get_repetition_penalty_reward

from leanrl.rewards.repetition import repetition
from tests.rewards.sample import make_sample
from tests.tiny_model import make_tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    """Return a tokenizer of bytes."""
    return make_tiny_tokenizer()


@pytest.mark.parametrize(
    ("token_ids", "expected"),
    [
        ([], 0.0),
        ([1, 2], 0.0),  # no n-gram of three
        ([1, 2, 3, 4], 0.0),  # 2 of 2 distinct
        ([1, 2, 3, 1, 2, 3], -0.25),  # 123 231 312 123: 3 of 4 distinct
        ([7] * 6, -0.75),  # gamed length: 1 of 4 distinct
    ],
)
def test_repetition(token_ids, expected):
    """-(1 - distinct / all) over n-grams of three tokens."""
    assert repetition(make_sample(token_ids=token_ids)) == pytest.approx(expected)


def test_options():
    """Pairs: 12 23 31 12, 3 of 4 distinct; twice the penalty: -2 (1 - 3/4) = -0.5."""
    sample = make_sample(token_ids=[1, 2, 3, 1, 2])
    assert repetition(sample, ngram_tokens=2, max_penalty=-2.0) == pytest.approx(-0.5)


@pytest.mark.parametrize("text", ["答案是五" * 500, "5=5=" * 500, "a" * 2000, "so " * 700, "คือ" * 500])
def test_a_text_in_any_script_that_repeats_itself_is_penalised(text, tokenizer):
    """Nothing but repetition, with spaces or without them: at least 0.9 of the penalty."""
    assert repetition(make_sample(text, token_ids=tokenizer(text)["input_ids"])) < -0.9


@pytest.mark.parametrize("ngram_tokens", [1, 2, 3, 5])
def test_the_penalty_is_that_of_trl(ngram_tokens, tokenizer):
    ids = tokenizer("First we add 3 and 4. Then we add 3 and 4 again, and again, and again.")["input_ids"]
    theirs = get_repetition_penalty_reward(ngram_tokens, -2.0)(completion_ids=[ids])
    ours = repetition(make_sample(token_ids=ids), ngram_tokens=ngram_tokens, max_penalty=-2.0)
    assert theirs == [pytest.approx(ours)]
    assert ours < 0


def test_a_sample_without_token_ids_is_refused():
    """It would count as a text that never repeats itself."""
    with pytest.raises(ValueError, match="10 tokens and 0 token ids"):
        repetition(make_sample("so so so so", num_tokens=10))
