"""Divergence of single tokens, worked by hand, and which way its gradient pulls."""

import math

import pytest
import torch

from leanrl.algorithms.kl import token_divergence


def _one(policy, reference, estimator):
    logprobs = torch.tensor([[math.log(policy)]])
    return token_divergence(logprobs, torch.tensor([[math.log(reference)]]), estimator=estimator).item()


@pytest.mark.parametrize(
    ("estimator", "policy", "reference", "expected"),
    [
        ("k1", 0.5, 0.25, math.log(2)),  # log(policy / reference)
        ("k1", 0.25, 0.5, -math.log(2)),
        ("k2", 0.5, 0.25, math.log(2) ** 2 / 2),
        ("k2", 0.25, 0.5, math.log(2) ** 2 / 2),
        ("k3", 0.5, 0.5, 0.0),
        ("k3", 0.5, 0.25, 0.5 + math.log(2) - 1),  # e^d = 1/2, d = -ln 2
        ("k3", 0.25, 0.5, 2 - math.log(2) - 1),  # e^d = 2, d = ln 2
    ],
)
def test_one_token(estimator, policy, reference, expected):
    """d = ln(reference / policy): -d, d^2 / 2 and exp(d) - d - 1."""
    assert _one(policy, reference, estimator) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("estimator", ["k1", "k3"])
def test_the_unbiased_ones_average_to_the_divergence(estimator):
    """Policy (0.7, 0.3), reference (0.4, 0.6): KL = 0.7 ln(7/4) + 0.3 ln(1/2) = 0.18379."""
    mean = 0.7 * _one(0.7, 0.4, estimator) + 0.3 * _one(0.3, 0.6, estimator)
    assert mean == pytest.approx(0.7 * math.log(7 / 4) + 0.3 * math.log(1 / 2), abs=1e-6)


@pytest.mark.parametrize(("estimator", "expected"), [("k1", 1.0), ("k2", -math.log(2)), ("k3", -1.0)])
def test_gradient(estimator, expected):
    """At reference = 2 x policy, d = ln 2: d/dlogprob is 1 for k1, -d for k2, 1 - exp(d) for k3."""
    logprobs = torch.tensor([[-2.0]], requires_grad=True)
    token_divergence(logprobs, torch.tensor([[-2.0 + math.log(2)]]), estimator=estimator).sum().backward()
    assert logprobs.grad.item() == pytest.approx(expected, abs=1e-6)


def test_an_unknown_estimator_is_refused():
    with pytest.raises(ValueError, match="k4"):
        token_divergence(torch.zeros(1, 1), torch.zeros(1, 1), estimator="k4")
