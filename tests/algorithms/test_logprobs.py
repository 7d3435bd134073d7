"""The tiled head against a plain log-softmax in float64, forward and backward."""

import pytest
import torch

from leanrl.algorithms.logprobs import token_logprobs


def _plain(hidden, head, targets, temperature):
    logprobs = torch.log_softmax(hidden @ head.t() / temperature, dim=-1)
    entropies = -(logprobs.exp() * logprobs).sum(-1)
    return logprobs.gather(-1, targets[:, None]).squeeze(-1), entropies


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("tile_tokens", [1, 3, 7, 100])
def test_equals_log_softmax_and_its_gradients(temperature, tile_tokens):
    torch.manual_seed(0)
    hidden = torch.randn(7, 5, dtype=torch.float32)
    head = torch.randn(11, 5, dtype=torch.float32)
    targets = torch.tensor([0, 10, 3, 3, 7, 1, 5])
    upstream = torch.randn(7)

    ours = [hidden.clone().requires_grad_(), head.clone().requires_grad_()]
    logprobs, entropies = token_logprobs(*ours, targets, temperature=temperature, tile_tokens=tile_tokens)
    (logprobs * upstream).sum().backward()

    exact = [hidden.double().requires_grad_(), head.double().requires_grad_()]
    expected, expected_entropies = _plain(*exact, targets, temperature)
    (expected * upstream.double()).sum().backward()

    assert torch.allclose(logprobs.double(), expected, atol=1e-5)
    assert torch.allclose(entropies.double(), expected_entropies, atol=1e-5)
    for mine, reference in zip(ours, exact, strict=True):
        assert torch.allclose(mine.grad.double(), reference.grad, atol=1e-5)


def test_a_frozen_head_gets_no_gradient():
    hidden = torch.randn(3, 4, requires_grad=True)
    head = torch.randn(6, 4)
    logprobs, _ = token_logprobs(hidden, head, torch.tensor([0, 1, 2]), temperature=1.0)
    logprobs.sum().backward()
    assert head.grad is None
    assert hidden.grad.abs().sum() > 0


def test_forward_and_backward_agree_under_autocast():
    """The backward pass leaves autocast; it must still differentiate the bf16 logits of the forward pass.

    The gradient of sum_v p_v = 1 is 0, so each row's softmax gradient sums to 0 over the vocabulary: with the
    head as identity, grad_hidden is that row itself.
    """
    hidden = torch.randn(4, 8).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logprobs, _ = token_logprobs(hidden, torch.eye(8), torch.tensor([0, 1, 2, 3]), temperature=1.0)
    logprobs.sum().backward()
    assert hidden.grad.sum(dim=-1).abs().max() < 1e-2


@pytest.mark.parametrize(("temperature", "message"), [(0.0, "temperature is 0"), (-1.0, "temperature is -1")])
def test_temperature_must_be_positive(temperature, message):
    with pytest.raises(ValueError, match=message):
        token_logprobs(torch.zeros(1, 2), torch.zeros(3, 2), torch.tensor([0]), temperature=temperature)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="N and H must agree"):
        token_logprobs(torch.zeros(2, 2), torch.zeros(3, 2), torch.tensor([0]), temperature=1.0)
