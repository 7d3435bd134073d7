"""Log-probabilities and entropies of chosen tokens from hidden states and the head, without a B x T x V tensor.

Logits exist one tile at a time, over tokens and the vocabulary, in the forward pass and again in the backward pass.
The loop over the vocabulary is the outer one: the gradient of a trained head is then finished tile by tile and needs no
buffer of its size, and a head kept in another dtype is cast tile by tile.

Axes: N scored tokens, n tokens of a tile, H hidden, V vocabulary, v vocabulary of a tile.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from leanrl.algorithms import products, slices

# A tile of 1024 x 8192 logits is 32 MiB in fp32: small beside one layer's activations at 6 x 4096 tokens, and large
# enough to keep a GPU's matrix units busy.
TILE_TOKENS = 1024
TILE_VOCABULARY = 8192

HeadGradient = Literal["returned", "added", "added_silently"]


@dataclass(frozen=True)
class LogitShape:
    """What a model does to hidden @ head before the softmax: multiply by `scale`, then softcap * tanh(x / softcap)."""

    scale: float = 1.0
    softcap: float | None = None


def token_logprobs(
    hidden_N_H: Tensor,
    head_V_H: Tensor,
    target_ids_N: Tensor,
    *,
    temperature: float,
    shape: LogitShape = LogitShape(),
    head_gradient: HeadGradient = "returned",
    tile_tokens: int = TILE_TOKENS,
    tile_vocabulary: int = TILE_VOCABULARY,
) -> tuple[Tensor, Tensor]:
    """Return each target's log-probability and the entropy of its distribution, both in nats.

    The softmax is taken over logits / temperature in fp32 or finer; the projection runs in autocast's dtype, or in
    that of `hidden_N_H` without autocast. Both results have gradients; sums over tiles are fp32 or finer.

    Args:
        hidden_N_H: last hidden states at the positions that predict the targets.
        head_V_H: weight of the language-model head; gets a gradient if it asks for one.
        target_ids_N: the tokens to score.
        temperature: logits are divided by it, after `shape`.
        shape: what the model family does to its logits.
        head_gradient: "returned" hands autograd a gradient of the head's size and dtype. "added" writes each tile
            into `head_V_H.grad` and hands autograd zeros that take no memory, so that whatever waits for the
            gradient (DDP's buckets, post-accumulate hooks) is still called after it. Only for a leaf, and wrong
            for hooks on the tensor itself and for `torch.autograd.grad`: both would see the zeros.
            "added_silently" hands on nothing. For a tied head, whose weight autograd reaches through the embedding
            as well: zeros and the embedding's gradient would be added up in a tensor of the head's size.
        tile_tokens, tile_vocabulary: tokens and vocabulary entries whose logits exist at one time.

    Returns:
        (logprobs_N, entropies_N).

    Raises:
        ValueError: if `temperature` is not positive, the sizes do not match, or "added" is asked of no leaf.
    """
    if temperature <= 0:
        raise ValueError(f"temperature is {temperature}; it must be positive.")
    if hidden_N_H.shape[0] != target_ids_N.shape[0] or hidden_N_H.shape[1] != head_V_H.shape[1]:
        raise ValueError(
            f"hidden_N_H is {tuple(hidden_N_H.shape)}, head_V_H {tuple(head_V_H.shape)} and "
            f"target_ids_N {tuple(target_ids_N.shape)}; N and H must agree."
        )
    if head_gradient != "returned" and not head_V_H.is_leaf:
        raise ValueError(f"head_gradient is {head_gradient!r}, but head_V_H is no leaf and has no .grad to add to.")
    device_type = hidden_N_H.device.type
    if torch.is_autocast_enabled(device_type):
        hidden_N_H = hidden_N_H.to(torch.get_autocast_dtype(device_type))
    tiling = _Tiling(temperature, shape, head_gradient, tile_tokens, tile_vocabulary)
    # The backward pass runs outside autocast and must rebuild the very logits of the forward pass.
    with torch.autocast(device_type, enabled=False):
        logprobs_N, entropies_N = _TiledLogprobs.apply(hidden_N_H, head_V_H, target_ids_N, tiling)
    return logprobs_N, entropies_N


@dataclass(frozen=True)
class _Tiling:
    temperature: float
    shape: LogitShape
    head_gradient: HeadGradient
    tile_tokens: int
    tile_vocabulary: int

    def entries(self, count: int) -> list[slice]:
        return slices.of_tiles(count, size=self.tile_vocabulary)

    def tokens(self, count: int) -> list[slice]:
        return slices.of_tiles(count, size=self.tile_tokens)


class _TiledLogprobs(torch.autograd.Function):
    """With s = logits / temperature and p = softmax(s):

    d logprob / d s_v = [v = target] - p_v,    d entropy / d s_v = -p_v (log p_v + entropy).
    """

    @staticmethod
    def forward(
        ctx: Any, hidden_N_H: Tensor, head_V_H: Tensor, target_ids_N: Tensor, tiling: _Tiling
    ) -> tuple[Tensor, Tensor]:
        sums = _SoftmaxSums.zeros(hidden_N_H)
        for entries in tiling.entries(head_V_H.shape[0]):
            head_v_H = head_V_H[entries].to(hidden_N_H.dtype)
            for tokens in tiling.tokens(hidden_N_H.shape[0]):
                sums.add_tile(_logits(hidden_N_H[tokens], head_v_H, tiling), target_ids_N[tokens], tokens, entries)
        normalisers_N, entropies_N = sums.normalisers(), sums.entropies()
        ctx.save_for_backward(hidden_N_H, target_ids_N, normalisers_N, entropies_N)
        # Not through save_for_backward: its hooks (offloading) may hand back a copy, which has no `.grad` of ours.
        ctx.head_V_H, ctx.tiling = head_V_H, tiling
        ctx.set_materialize_grads(False)  # no gradient of the entropies is the usual case, and costs nothing then
        return sums.targets_N - normalisers_N, entropies_N.clone()

    @staticmethod
    def backward(ctx: Any, grad_logprobs_N: Tensor | None, grad_entropies_N: Tensor | None) -> tuple[Any, ...]:
        hidden_N_H, target_ids_N, normalisers_N, entropies_N = ctx.saved_tensors
        head_V_H, tiling = ctx.head_V_H, ctx.tiling
        grad_N = torch.zeros_like(normalisers_N) if grad_logprobs_N is None else grad_logprobs_N
        grad_hidden_N_H = torch.zeros_like(hidden_N_H, dtype=normalisers_N.dtype)
        grad_head_V_H = _head_gradient(head_V_H, tiling.head_gradient) if ctx.needs_input_grad[1] else None
        for entries in tiling.entries(head_V_H.shape[0]):
            head_v_H = head_V_H[entries].to(hidden_N_H.dtype)
            grad_head_v_H = None if grad_head_V_H is None else torch.zeros_like(head_v_H, dtype=normalisers_N.dtype)
            for tokens in tiling.tokens(hidden_N_H.shape[0]):
                grad_n_v = _logit_gradient(
                    _logits(hidden_N_H[tokens], head_v_H, tiling),
                    normalisers_N[tokens],
                    tiling,
                    chosen=(grad_N[tokens], target_ids_N[tokens], entries),
                    spread=None if grad_entropies_N is None else (grad_entropies_N[tokens], entropies_N[tokens]),
                ).to(hidden_N_H.dtype)
                products.add_product(grad_hidden_N_H[tokens], grad_n_v, head_v_H)
                if grad_head_v_H is not None:
                    products.add_product(grad_head_v_H, grad_n_v.t(), hidden_N_H[tokens])
                del grad_n_v  # or it lies beside the logits of the next tile
            if grad_head_V_H is not None:
                grad_head_V_H[entries] += grad_head_v_H
            del head_v_H, grad_head_v_H  # or they lie beside those of the next entries
        return grad_hidden_N_H.to(hidden_N_H.dtype), _handed_on(grad_head_V_H, tiling.head_gradient), None, None


@dataclass
class _SoftmaxSums:
    """The softmax of every token, as far as its entries have been seen.

    With m the highest logit so far: total = sum exp(x - m), weighted = sum exp(x - m) (x - m).
    """

    highest_N: Tensor
    total_N: Tensor
    weighted_N: Tensor
    targets_N: Tensor

    @staticmethod
    def zeros(hidden_N_H: Tensor) -> "_SoftmaxSums":
        wide = torch.promote_types(hidden_N_H.dtype, torch.float32)
        zeros_N = torch.zeros(hidden_N_H.shape[0], dtype=wide, device=hidden_N_H.device)
        lowest_N = torch.full_like(zeros_N, torch.finfo(wide).min)  # -inf would meet a total of 0 in a product
        return _SoftmaxSums(lowest_N, zeros_N, zeros_N.clone(), zeros_N.clone())

    def add_tile(self, logits_n_v: Tensor, target_ids_n: Tensor, tokens: slice, entries: slice) -> None:
        """Add the entries of one tile; `logits_n_v` is used up."""
        is_here_n, column_n_1 = _columns(target_ids_n, entries)
        found_n = logits_n_v.gather(-1, column_n_1).squeeze(-1)
        self.targets_N[tokens] += torch.where(is_here_n, found_n, 0)
        highest_n = torch.maximum(self.highest_N[tokens], logits_n_v.amax(-1))
        rise_n = self.highest_N[tokens] - highest_n
        shifted_n_v = logits_n_v.sub_(highest_n[:, None])
        exp_n_v = shifted_n_v.exp()
        self.weighted_N[tokens] += rise_n * self.total_N[tokens]
        self.weighted_N[tokens] *= rise_n.exp()
        self.total_N[tokens] *= rise_n.exp()
        self.total_N[tokens] += exp_n_v.sum(-1)
        self.weighted_N[tokens] += exp_n_v.mul_(shifted_n_v).sum(-1)
        self.highest_N[tokens] = highest_n

    def normalisers(self) -> Tensor:
        return self.highest_N + torch.log(self.total_N)

    def entropies(self) -> Tensor:
        return torch.log(self.total_N) - self.weighted_N / self.total_N


def _logits(hidden_n_H: Tensor, head_v_H: Tensor, tiling: _Tiling) -> Tensor:
    """Return what the softmax is taken of: scaled, capped, divided by the temperature; fp32 or finer."""
    logits_n_v = hidden_n_H @ head_v_H.t()
    logits_n_v = logits_n_v.to(torch.promote_types(logits_n_v.dtype, torch.float32))
    shape = tiling.shape
    if shape.softcap is not None:
        logits_n_v = logits_n_v.mul_(shape.scale / shape.softcap).tanh_()
        return logits_n_v.mul_(shape.softcap / tiling.temperature)
    return logits_n_v.mul_(shape.scale / tiling.temperature)


def _logit_gradient(
    logits_n_v: Tensor,
    normalisers_n: Tensor,
    tiling: _Tiling,
    *,
    chosen: tuple[Tensor, Tensor, slice],
    spread: tuple[Tensor, Tensor] | None,
) -> Tensor:
    """Return the gradient at hidden @ head, before `_logits`; `logits_n_v` is used up.

    Args:
        chosen: gradients of the log-probabilities, their targets, and the entries of this tile.
        spread: gradients of the entropies, and the entropies.
    """
    shape = tiling.shape
    slope_n_v = None
    if shape.softcap is not None:
        slope_n_v = 1 - (logits_n_v * (tiling.temperature / shape.softcap)).square_()
    logprobs_n_v = logits_n_v.sub_(normalisers_n[:, None])
    grad_n, target_ids_n, entries = chosen
    if spread is None:
        grad_n_v = logprobs_n_v.exp_().mul_(-grad_n[:, None])
    else:
        grad_entropy_n, entropy_n = spread
        factor_n_v = (logprobs_n_v + entropy_n[:, None]).mul_(grad_entropy_n[:, None]).add_(grad_n[:, None])
        grad_n_v = logprobs_n_v.exp_().mul_(factor_n_v.neg_())
    is_here_n, column_n_1 = _columns(target_ids_n, entries)
    grad_n_v.scatter_add_(-1, column_n_1, torch.where(is_here_n, grad_n, 0)[:, None])
    if slope_n_v is not None:
        grad_n_v.mul_(slope_n_v)
    return grad_n_v.mul_(shape.scale / tiling.temperature)


def _columns(target_ids_n: Tensor, entries: slice) -> tuple[Tensor, Tensor]:
    """Return which targets are among these entries, and a valid column for each."""
    is_here_n = (target_ids_n >= entries.start) & (target_ids_n < entries.stop)
    return is_here_n, (target_ids_n - entries.start).clamp(0, entries.stop - entries.start - 1)[:, None]


def _head_gradient(head_V_H: Tensor, route: HeadGradient) -> Tensor:
    """Return what the tiles of the head's gradient are added to."""
    if route == "returned":
        return torch.zeros_like(head_V_H)
    if head_V_H.grad is None:
        head_V_H.grad = torch.zeros_like(head_V_H)
    return head_V_H.grad


def _handed_on(grad_head_V_H: Tensor | None, route: HeadGradient) -> Tensor | None:
    """Return what autograd gets to see of the head's gradient."""
    if grad_head_V_H is None or route == "returned":
        return grad_head_V_H
    return grad_head_V_H.new_zeros(()).expand_as(grad_head_V_H) if route == "added" else None
