"""Losses of single tokens, worked by hand."""

import math

import pytest
import torch

from leanrl.algorithms.losses import (
    beyond_clip,
    clipped_policy_loss,
    clipped_weight_loss,
    sequence_policy_loss,
    sequence_ratios,
)

CLIP = {"clip_low": 0.2, "clip_high": 0.28}


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
        torch.tensor([[math.log(ratio)]]), torch.zeros(1, 1), torch.tensor([[advantage]]), **CLIP
    )
    assert loss.item() == pytest.approx(expected)


def test_on_policy_gradient_is_minus_the_advantage():
    logprobs = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    clipped_policy_loss(
        logprobs, logprobs.detach(), torch.tensor([[0.7]]), clip_low=0.2, clip_high=0.2
    ).sum().backward()
    assert logprobs.grad.tolist() == [pytest.approx([-0.7, -0.7])]


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(1, 2\).*\(1, 3\)"):
        clipped_policy_loss(torch.zeros(1, 2), torch.zeros(1, 3), torch.zeros(1), clip_low=0.2, clip_high=0.2)


LOG_RATIOS = torch.tensor([[0.3, 0.1, 9.0], [-0.4, 9.0, 9.0]])
MASK = torch.tensor([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


def test_a_completion_has_one_ratio():
    """exp((0.3 + 0.1) / 2) and exp(-0.4); what stands behind the end does not count."""
    ratios = sequence_ratios(LOG_RATIOS, torch.zeros(2, 3), MASK)
    assert ratios[:, 0].tolist() == pytest.approx([math.exp(0.2), math.exp(-0.4)])
    assert torch.equal(ratios, ratios[:, :1].expand(2, 3))


def test_an_empty_completion_has_ratio_one():
    assert sequence_ratios(LOG_RATIOS, torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [[1, 1, 1], [1, 1, 1]]


def test_gspo_clips_the_completions_ratio():
    """e^0.2 = 1.2214 stays below 1.28; e^-0.4 = 0.6703 of a bad completion is clipped to 0.8."""
    loss = sequence_policy_loss(LOG_RATIOS, torch.zeros(2, 3), torch.tensor([[2.0], [-1.0]]), MASK, **CLIP)
    assert loss[:, 0].tolist() == pytest.approx([-2 * math.exp(0.2), 0.8])


def test_gspo_spreads_the_gradient_over_the_completion():
    """d(-s A)/dlogprob_t = -s A / 2 for each of two tokens, times the two losses that are summed: -s A."""
    logprobs = LOG_RATIOS[:1].clone().requires_grad_()
    loss = sequence_policy_loss(logprobs, torch.zeros(1, 3), torch.tensor([[2.0]]), MASK[:1], **CLIP)
    (loss * MASK[:1]).sum().backward()
    assert logprobs.grad.tolist()[0] == pytest.approx([-2 * math.exp(0.2), -2 * math.exp(0.2), 0.0])


@pytest.mark.parametrize(
    ("ratio", "advantage", "weight"),
    [
        (1.0, 1.0, 1.0),
        (5.0, 1.0, 1.28),  # cut, but not out of the gradient
        (5.0, -1.0, 1.28),
        (0.1, -1.0, 0.8),
    ],
)
def test_cispo_keeps_the_gradient_of_a_clipped_token(ratio, advantage, weight):
    """-clip(r, 0.8, 1.28) A logprob: the gradient is -weight A."""
    logprobs = torch.tensor([[-0.5]], requires_grad=True)
    sampled = torch.tensor([[-0.5 - math.log(ratio)]])
    loss = clipped_weight_loss(logprobs, sampled, torch.tensor([[advantage]]), **CLIP)
    loss.sum().backward()
    assert loss.item() == pytest.approx(0.5 * weight * advantage)
    assert logprobs.grad.item() == pytest.approx(-weight * advantage)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(1.3, 1.0, 1.0), (1.3, -1.0, 0.0), (0.7, -1.0, 1.0), (0.7, 1.0, 0.0), (1.1, 1.0, 0.0), (1.3, 0.0, 0.0)],
)
def test_beyond_the_clip(ratio, advantage, expected):
    assert beyond_clip(torch.tensor([[ratio]]), torch.tensor([[advantage]]), **CLIP).item() == expected
