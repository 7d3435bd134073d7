"""Norms and MLPs of the decoder layers over a few tokens at a time.

Once the head is tiled, the peak of a step is in the backward pass of one recomputed layer. It is in the MLP, whose
intermediate activations are several times as wide as its hidden states, and after that in the norms, which work in
fp32. Both see each token alone, so they may run in tiles: forward without keeping anything but their input, backward
by running each tile again.

Axes: B completions, S tokens, H hidden; N = B x S tokens, n tokens of a tile.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leanrl.algorithms import slices

TokenWise = Callable[..., Any]

# MLPs and norms over the hidden size, beside those whose name ends in "layernorm" or starts with "ln_".
_TOKEN_WISE = ("mlp", "feed_forward", "norm", "operator_norm", "ffn_norm", "embedding_norm")

_RUNS_WHOLE = "_leanrl_runs_whole"


def tile_modules(model: nn.Module, *, tile_tokens: int) -> int:
    """Let every norm and MLP run in tiles of `tile_tokens` while it trains; return how many there are.

    The modules stay what they are: weights, names and adapters do not move. A call runs whole where it has few tokens,
    takes more than one tensor with the axes B, S and H (a gated norm, a norm over the heads of queries), or gives more
    than one (a router's scores beside the output).
    """
    found = [module for name, module in model.named_modules() if _sees_tokens_alone(name.rsplit(".", 1)[-1])]
    for module in found:
        module.forward = _tiled(module, module.forward, tile_tokens)
    return len(found)


def run_whole(layer: nn.Module, *, is_whole: bool) -> None:
    """Let the norms and the MLP of a layer that keeps its activations run whole: a tile would run again."""
    for module in layer.modules():
        setattr(module, _RUNS_WHOLE, is_whole)


def _sees_tokens_alone(name: str) -> bool:
    """By the names that the decoders of transformers give to their parts."""
    return name in _TOKEN_WISE or name.endswith("layernorm") or name.startswith("ln_")


def _tiled(module: nn.Module, whole: TokenWise, tile_tokens: int) -> TokenWise:
    gives_one: bool | None = None

    def forward(*inputs: Any, **named: Any) -> Any:
        nonlocal gives_one
        is_whole = getattr(module, _RUNS_WHOLE, False)
        if is_whole or named or not _is_long(inputs, tile_tokens) or not torch.is_grad_enabled():
            return whole(*inputs, **named)
        (hidden_B_S_H,) = inputs
        if gives_one is None:
            gives_one = _gives_one_tensor(whole, hidden_B_S_H)
        return _run_in_tiles(module, whole, hidden_B_S_H, tile_tokens) if gives_one else whole(hidden_B_S_H)

    return forward


def _is_long(inputs: tuple[Any, ...], tile_tokens: int) -> bool:
    """Return whether a call gives one tensor of hidden states, with more tokens than a tile has."""
    if len(inputs) != 1 or not isinstance(inputs[0], Tensor) or inputs[0].dim() != 3:
        return False
    return inputs[0].shape[0] * inputs[0].shape[1] > tile_tokens


def _gives_one_tensor(whole: TokenWise, hidden_B_S_H: Tensor) -> bool:
    """Return whether the module gives one tensor for one token; it draws no random number that a run would miss."""
    with torch.no_grad(), _Conditions.now(hidden_B_S_H.device).again():
        output = whole(hidden_B_S_H[:1, :1])
    return isinstance(output, Tensor) and output.shape[:-1] == (1, 1)


def _run_in_tiles(module: nn.Module, whole: TokenWise, hidden_B_S_H: Tensor, tile_tokens: int) -> Tensor:
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    # Without weights before it that are trained, the input has no graph: an empty tensor that asks for a gradient
    # gives the anchor its node.
    ticket = hidden_B_S_H.new_empty(0).requires_grad_(bool(trained))
    hidden_N_H = _Anchor.apply(hidden_B_S_H.reshape(-1, hidden_B_S_H.shape[-1]), ticket)
    asks = hidden_B_S_H.requires_grad
    output_N_H = _Tiled.apply(whole, tile_tokens, hidden_N_H.grad_fn, asks, hidden_N_H, *trained)
    return output_N_H.view(*hidden_B_S_H.shape[:-1], -1)


class _Anchor(torch.autograd.Function):
    """Hands its input on, and keeps it for `_Tiled`.

    Kept here, and not there, it is the last tensor that a checkpointed layer saves: recomputation stops before it
    runs its MLP, which the backward pass runs tile by tile anyway.
    """

    @staticmethod
    def forward(ctx: Any, hidden_N_H: Tensor, ticket: Tensor) -> Tensor:
        ctx.save_for_backward(hidden_N_H)
        ctx.set_materialize_grads(False)
        return hidden_N_H.view_as(hidden_N_H)

    @staticmethod
    def backward(ctx: Any, grad_N_H: Tensor | None) -> tuple[Tensor | None, None]:
        return grad_N_H, None


class _Tiled(torch.autograd.Function):
    """Gradients of the weights are summed over tiles in fp32 or finer, and handed to autograd as one.

    `asks` is whether the input of the module asks for a gradient; that of a frozen embedding does not.
    """

    @staticmethod
    def forward(
        ctx: Any, module: TokenWise, tile_tokens: int, anchor: Any, asks: bool, hidden_N_H: Tensor, *trained: Tensor
    ) -> Tensor:
        ctx.module, ctx.tile_tokens, ctx.anchor, ctx.asks, ctx.trained = module, tile_tokens, anchor, asks, trained
        ctx.conditions = []
        output_N_H: Tensor | None = None
        for tile in slices.of_tiles(hidden_N_H.shape[0], size=tile_tokens):
            conditions = _Conditions.now(hidden_N_H.device)
            ctx.conditions.append(conditions)
            with conditions.autocast():
                output_n_H = module(hidden_N_H[tile][None])[0]
            if output_N_H is None:
                output_N_H = output_n_H.new_empty(hidden_N_H.shape[0], output_n_H.shape[-1])
            output_N_H[tile] = output_n_H
        assert output_N_H is not None
        return output_N_H

    @staticmethod
    def backward(ctx: Any, grad_N_H: Tensor) -> tuple[Tensor | None, ...]:
        (hidden_N_H,) = ctx.anchor.saved_tensors
        trained = ctx.trained
        grad_hidden_N_H = torch.empty_like(hidden_N_H) if ctx.asks else None
        sums: list[Tensor | None] = [None] * len(trained)
        tiles = slices.of_tiles(hidden_N_H.shape[0], size=ctx.tile_tokens)
        for tile, conditions in zip(tiles, ctx.conditions, strict=True):
            input_n_H = hidden_N_H[tile].detach().requires_grad_(ctx.asks)
            with torch.enable_grad(), conditions.again():
                output_n_H = ctx.module(input_n_H[None])[0]
            asked = [input_n_H, *trained] if ctx.asks else trained
            # An expert that no token of the tile goes to has no part in its graph.
            gradients = list(torch.autograd.grad(output_n_H, asked, grad_N_H[tile], allow_unused=True))
            if grad_hidden_N_H is not None:
                grad_hidden_N_H[tile] = gradients.pop(0)
            for index, gradient in enumerate(gradients):
                sums[index] = _add(sums[index], gradient)
            gradient = gradients = output_n_H = None  # or they lie beside the next tile's
        narrowed = (
            None if total is None else total.to(weight.dtype) for total, weight in zip(sums, trained, strict=True)
        )
        return None, None, None, None, grad_hidden_N_H, *narrowed


def _add(total: Tensor | None, gradient: Tensor | None) -> Tensor | None:
    if gradient is None:
        return total
    if total is None:
        total = torch.zeros_like(gradient, dtype=torch.promote_types(gradient.dtype, torch.float32))
    return total.add_(gradient)


@dataclass(frozen=True)
class _Conditions:
    """What a tile ran under, so that it can run so again: autocast, and the random numbers of its dropout."""

    device: torch.device
    dtype: torch.dtype
    is_autocast: bool
    random_state: Tensor

    @classmethod
    def now(cls, device: torch.device) -> "_Conditions":
        return cls(
            device=device,
            dtype=torch.get_autocast_dtype(device.type),
            is_autocast=torch.is_autocast_enabled(device.type),
            random_state=torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state(),
        )

    def autocast(self) -> Any:
        """Without its cache: a cast made where nothing records gradients would be found again where one is asked."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.is_autocast, cache_enabled=False)

    @contextmanager
    def again(self) -> Iterator[None]:
        is_cuda = self.device.type == "cuda"
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng([self.device] if is_cuda else []))
            if is_cuda:
                torch.cuda.set_rng_state(self.random_state, self.device)
            else:
                torch.set_rng_state(self.random_state)
            stack.enter_context(self.autocast())
            yield
