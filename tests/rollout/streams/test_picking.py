"""Tokens by the inverse of a distribution, worked by hand."""

import pytest
import torch

from leanrl.rollout.streams.picking import pick_tokens

# Token 1 has probability 0.5, token 3 0.3, token 0 0.15, token 2 0.05.
LOGITS = torch.log(torch.tensor([0.15, 0.5, 0.05, 0.3]))


@pytest.mark.parametrize(
    ("uniform", "top_p", "token"),
    [
        (0.0, 1.0, 1),
        (0.49, 1.0, 1),
        (0.51, 1.0, 3),
        (0.79, 1.0, 3),
        (0.81, 1.0, 0),
        (0.96, 1.0, 2),
        (0.999, 0.9, 0),  # 0.5 + 0.3 < 0.9 <= 0.95: three tokens are left, with 0.5, 0.3, 0.15 of 0.95
        (0.84, 0.9, 3),  # 0.84 x 0.95 = 0.798 < 0.8
        (0.85, 0.9, 0),  # 0.85 x 0.95 = 0.8075
        (0.999, 0.4, 1),  # the first token alone passes 0.4
    ],
)
def test_a_number_picks_the_token_that_it_falls_on(uniform: float, top_p: float, token: int):
    picked = pick_tokens(LOGITS[None], torch.tensor([uniform]), temperature=1.0, top_p=top_p)
    assert picked.tolist() == [token]


def test_temperature_zero_takes_the_likeliest():
    assert pick_tokens(LOGITS[None], torch.tensor([0.999]), temperature=0.0, top_p=0.9).tolist() == [1]


def test_shares_are_those_of_the_softmax_at_the_temperature():
    """At temperature 2 the probabilities go by their square roots: 0.3873, 0.7071, 0.2236, 0.5477 of 1.8657."""
    uniforms = (torch.arange(10_000) + 0.5) / 10_000
    picked = pick_tokens(LOGITS.expand(10_000, 4), uniforms, temperature=2.0, top_p=1.0)
    shares = picked.bincount(minlength=4) / 10_000
    assert torch.allclose(shares, torch.tensor([0.2076, 0.3790, 0.1199, 0.2936]), atol=2e-4)
