"""The cosine length reward, as described and as run."""

import pytest

from leanrl.rewards.cosine import cosine
from leanrl.rewards.paper.cosine_as_run import cosine_as_run
from tests.rewards.sample import make_sample


@pytest.mark.parametrize(
    ("num_chars", "correct", "wrong"),
    [
        # c = cos(pi chars / 3584); correct 0.75 + 0.25 c, wrong -0.25 + 0.25 c
        (0, 1.0, 0.0),  # c = 1: gamed, an empty wrong answer costs nothing
        (1792, 0.75, -0.25),  # c = cos(pi / 2) = 0
        (3584, 0.5, -0.5),  # c = -1
        (5376, 0.75, -0.25),  # not clamped: c = cos(3 pi / 2) = 0
        (7168, 1.0, 0.0),  # gamed: twice the limit is paid like an empty text
        (10752, 0.5, -0.5),  # c = cos(3 pi) = -1
    ],
)
def test_cosine_as_run(num_chars, correct, wrong):
    """Characters, unclamped, with the run's four values."""
    assert cosine_as_run(make_sample("x" * num_chars, reason="correct")) == pytest.approx(correct)
    assert cosine_as_run(make_sample("x" * num_chars, reason="wrong")) == pytest.approx(wrong)


def test_cosine_as_run_at_a_thousand_characters():
    """cos(pi 1000 / 3584) = cos(0.87657) = 0.63978: 0.75 + 0.25 c = 0.90994, -0.25 + 0.25 c = -0.09006."""
    assert cosine_as_run(make_sample("x" * 1000, reason="correct")) == pytest.approx(0.90994, abs=1e-4)
    assert cosine_as_run(make_sample("x" * 1000, reason="wrong")) == pytest.approx(-0.09006, abs=1e-4)


@pytest.mark.parametrize("num_chars", [0, 1792, 3584])
def test_cosine_as_run_pays_an_unparseable_gold_in_full(num_chars):
    """1, whatever the length, as the paper's code does."""
    assert cosine_as_run(make_sample("x" * num_chars, reason="unparseable_gold")) == 1.0


def test_cosine_as_run_counts_characters_not_tokens():
    """Half the limit in characters is the middle of the range, however many tokens there are."""
    assert cosine_as_run(make_sample("é" * 1792, reason="correct", num_tokens=99)) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("num_tokens", "correct", "wrong"),
    [
        # t = tokens / 100; correct 0.75 + 0.25 cos(pi t), wrong -0.75 - 0.25 cos(pi t)
        (0, 1.0, -1.0),
        (50, 0.75, -0.75),
        (100, 0.5, -0.5),
        (150, 0.5, -0.5),  # clamped
        (200, 0.5, -0.5),  # not gamed by twice the limit
    ],
)
def test_cosine(num_tokens, correct, wrong):
    """Tokens, clamped: right and short is best, wrong and short is worst."""
    assert cosine(make_sample(reason="correct", num_tokens=num_tokens)) == pytest.approx(correct)
    assert cosine(make_sample(reason="wrong", num_tokens=num_tokens)) == pytest.approx(wrong)


@pytest.mark.parametrize("reason", ["no_box", "unparseable_answer", "unparseable_gold", "timeout", "memory", "died"])
def test_cosine_pays_what_it_cannot_judge_like_a_wrong_answer(reason):
    """Otherwise an answer that hangs the grader would be worth more than a wrong one."""
    assert cosine(make_sample(reason=reason, num_tokens=50)) == pytest.approx(-0.75)


def test_cosine_with_options():
    """t = 50 / 200, cos(pi / 4) = 0.70711; 0 + 0.5 (2 - 0) (1 + 0.70711) = 1.70711."""
    sample = make_sample(reason="correct", num_tokens=50)
    assert cosine(sample, max_tokens=200, min_value_correct=0.0, max_value_correct=2.0) == pytest.approx(
        1.70711, abs=1e-4
    )
