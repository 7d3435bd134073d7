"""Losses and divergence of single tokens, worked by hand."""

import math

import pytest
import torch

from leanrl.algorithms.kl import k3_divergence
from leanrl.algorithms.losses import clipped_policy_loss


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.0, 1.0, -1.0),  # on policy: plain policy gradient
        (2.0, 1.0, -1.28),  # a good token is clipped from above
        (0.5, -1.0, 0.8),  # a bad token is clipped from below
        (2.0, -1.0, 2.0),  # never clipped in the harmful direction
        (0.5, 1.0, -0.5),  # the same for a good token
    ],
)
def test_clip_bounds(ratio, advantage, expected):
    """One token: -min(r A, clip(r, 0.8, 1.28) A)."""
    loss = clipped_policy_loss(
        torch.tensor([[math.log(ratio)]]),
        torch.zeros(1, 1),
        torch.tensor([advantage]),
        clip_low=0.2,
        clip_high=0.28,
    )
    assert loss.item() == pytest.approx(expected)


def test_on_policy_gradient_is_minus_the_advantage():
    logprobs = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    clipped_policy_loss(logprobs, logprobs.detach(), torch.tensor([0.7]), clip_low=0.2, clip_high=0.2).sum().backward()
    assert logprobs.grad.tolist() == [pytest.approx([-0.7, -0.7])]


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 2\).*\(1, 3\)"):
        clipped_policy_loss(torch.zeros(1, 2), torch.zeros(1, 3), torch.zeros(1), clip_low=0.2, clip_high=0.2)


@pytest.mark.parametrize(
    ("policy", "reference", "expected"),
    [
        (0.5, 0.5, 0.0),
        (0.5, 0.25, 0.5 + math.log(2) - 1),  # e^d = 1/2, d = -ln 2
        (0.25, 0.5, 2 - math.log(2) - 1),  # e^d = 2, d = ln 2
    ],
)
def test_k3(policy, reference, expected):
    """exp(d) - d - 1 with d = ln(reference / policy)."""
    divergence = k3_divergence(torch.tensor([[math.log(policy)]]), torch.tensor([[math.log(reference)]]))
    assert divergence.item() == pytest.approx(expected, abs=1e-7)


def test_k3_pulls_towards_the_reference():
    """d/dlogp (exp(ref - logp) - (ref - logp) - 1) = 1 - exp(ref - logp); at ref = ln 2 + logp it is -1."""
    logprobs = torch.tensor([[-2.0]], requires_grad=True)
    k3_divergence(logprobs, torch.tensor([[-2.0 + math.log(2)]])).sum().backward()
    assert logprobs.grad.item() == pytest.approx(-1.0, abs=1e-6)
