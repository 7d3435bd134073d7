"""Log-probabilities of chosen tokens from hidden states and the head, without a B x T x V tensor.

Axes: N scored tokens, n tokens of one tile, H hidden, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor

# Tokens whose logits exist at one time. At V = 151,936 a tile of fp32 logits is 297 MiB; smaller tiles
# save little beside the weights and cost kernel launches.
TILE_TOKENS = 512


def token_logprobs(
    hidden_N_H: Tensor,
    head_V_H: Tensor,
    target_ids_N: Tensor,
    *,
    temperature: float,
    tile_tokens: int = TILE_TOKENS,
) -> tuple[Tensor, Tensor]:
    """Return each target's log-probability and the entropy of its distribution, both in nats.

    The softmax is taken over logits / temperature in fp32 or finer; the projection runs in autocast's dtype, or in
    that of `hidden_N_H` without autocast. Logits are rebuilt tile by tile in the backward pass. The entropy carries
    no gradient.

    Args:
        hidden_N_H: last hidden states at the positions that predict the targets.
        head_V_H: weight of the language-model head; gets a gradient if it asks for one.
        target_ids_N: the tokens to score.
        temperature: logits are divided by it.
        tile_tokens: tokens whose logits exist at one time.

    Returns:
        (logprobs_N, entropies_N).

    Raises:
        ValueError: if `temperature` is not positive, or the sizes do not match.
    """
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}; it must be positive.")
    if hidden_N_H.shape[0] != target_ids_N.shape[0] or hidden_N_H.shape[1] != head_V_H.shape[1]:
        raise ValueError(
            f"hidden_N_H is {tuple(hidden_N_H.shape)}, head_V_H {tuple(head_V_H.shape)} and "
            f"target_ids_N {tuple(target_ids_N.shape)}; N and H must agree."
        )
    device_type = hidden_N_H.device.type
    if torch.is_autocast_enabled(device_type):
        hidden_N_H = hidden_N_H.to(torch.get_autocast_dtype(device_type))
    # The backward pass runs outside autocast and must rebuild the very logits of the forward pass.
    with torch.autocast(device_type, enabled=False):
        logprobs_N, entropies_N = _TiledLogprobs.apply(hidden_N_H, head_V_H, target_ids_N, temperature, tile_tokens)
    return logprobs_N, entropies_N


class _TiledLogprobs(torch.autograd.Function):
    """d logprob_target / d logit_v = [v = target] - softmax_v, each divided by the temperature."""

    @staticmethod
    def forward(
        ctx: Any, hidden_N_H: Tensor, head_V_H: Tensor, target_ids_N: Tensor, temperature: float, tile_tokens: int
    ) -> tuple[Tensor, Tensor]:
        logprobs, entropies, normalisers = [], [], []
        computed_head_V_H = head_V_H.to(hidden_N_H.dtype)
        for start in range(0, hidden_N_H.shape[0], tile_tokens):
            tile = slice(start, start + tile_tokens)
            logits_n_V = _logits(hidden_N_H[tile], computed_head_V_H, temperature)
            normaliser_n = torch.logsumexp(logits_n_V, dim=-1)
            target_n = logits_n_V.gather(-1, target_ids_N[tile, None]).squeeze(-1)
            expected_logit_n = (torch.exp(logits_n_V - normaliser_n[:, None]) * logits_n_V).sum(-1)
            logprobs.append(target_n - normaliser_n)
            entropies.append(normaliser_n - expected_logit_n)
            normalisers.append(normaliser_n)
        entropies_N = torch.cat(entropies)
        ctx.save_for_backward(hidden_N_H, head_V_H, target_ids_N, torch.cat(normalisers))
        ctx.temperature, ctx.tile_tokens = temperature, tile_tokens
        ctx.mark_non_differentiable(entropies_N)
        return torch.cat(logprobs), entropies_N

    @staticmethod
    def backward(ctx: Any, grad_N: Tensor, _grad_entropies_N: Tensor) -> tuple[Tensor | None, ...]:
        hidden_N_H, head_V_H, target_ids_N, normalisers_N = ctx.saved_tensors
        computed_head_V_H = head_V_H.to(hidden_N_H.dtype)
        grad_hidden_N_H = torch.empty_like(hidden_N_H)
        grad_head_V_H = _wide_zeros(head_V_H) if ctx.needs_input_grad[1] else None
        for start in range(0, hidden_N_H.shape[0], ctx.tile_tokens):
            tile = slice(start, start + ctx.tile_tokens)
            logits_n_V = _logits(hidden_N_H[tile], computed_head_V_H, ctx.temperature)
            grad_logits_n_V = torch.exp(logits_n_V - normalisers_N[tile, None]).neg_()
            ones_n_1 = torch.ones_like(grad_logits_n_V[:, :1])
            grad_logits_n_V.scatter_add_(-1, target_ids_N[tile, None], ones_n_1)
            grad_logits_n_V.mul_(grad_N[tile, None] / ctx.temperature)
            grad_n_V = grad_logits_n_V.to(hidden_N_H.dtype)
            grad_hidden_N_H[tile] = grad_n_V @ computed_head_V_H
            if grad_head_V_H is not None:
                grad_head_V_H += grad_n_V.t() @ hidden_N_H[tile]
        grad_head = None if grad_head_V_H is None else grad_head_V_H.to(head_V_H.dtype)
        return grad_hidden_N_H, grad_head, None, None, None


def _logits(hidden_n_H: Tensor, head_V_H: Tensor, temperature: float) -> Tensor:
    logits_n_V = hidden_n_H @ head_V_H.t()
    return logits_n_V.to(torch.promote_types(logits_n_V.dtype, torch.float32)) / temperature


def _wide_zeros(head_V_H: Tensor) -> Tensor:
    """Return zeros to sum gradients in: fp32 at least, since tiles of bf16 lose what they add up."""
    return torch.zeros_like(head_V_H, dtype=torch.promote_types(head_V_H.dtype, torch.float32))
