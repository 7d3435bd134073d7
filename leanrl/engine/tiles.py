"""Norms and MLPs of the decoder layers over a few tokens at a time.

Once the head is tiled, the fullest moment of a step is the backward pass of one recomputed layer: in its MLP, whose
inner numbers are several times as wide as the stream, and after that in its norms, which work in fp32. Both see each
token alone, so they may run in tiles: forward without keeping anything but their input, backward by running each tile
again.

Axes: B completions, S tokens, H hidden; N = B x S tokens, n tokens of a tile.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from leanrl.algorithms import slices

TokenWise = Callable[[Tensor], Tensor]


def tile_modules(model: nn.Module, *, tile_tokens: int) -> int:
    """Let every norm and MLP run in tiles of `tile_tokens` while it trains; return how many there are.

    The modules stay what they are: weights, names and adapters do not move. Fewer tokens run whole, and so do norms
    over parts of a token (of queries and keys).
    """
    found = [module for name, module in model.named_modules() if _sees_tokens_alone(name.rsplit(".", 1)[-1])]
    for module in found:
        module.forward = _tiled(module, module.forward, tile_tokens)
    return len(found)


def _sees_tokens_alone(name: str) -> bool:
    """By the names that the decoders of transformers give to their parts."""
    return name in ("mlp", "norm") or name.endswith("layernorm")


def _tiled(module: nn.Module, whole: TokenWise, tile_tokens: int) -> TokenWise:
    def forward(hidden_B_S_H: Tensor) -> Tensor:
        num_tokens = hidden_B_S_H.shape[0] * hidden_B_S_H.shape[1]
        if num_tokens <= tile_tokens or hidden_B_S_H.dim() != 3 or not torch.is_grad_enabled():
            return whole(hidden_B_S_H)
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        hidden_N_H = _Anchor.apply(hidden_B_S_H.reshape(num_tokens, -1))
        output_N_H = _Tiled.apply(whole, tile_tokens, hidden_N_H.grad_fn, hidden_N_H, *trained)
        return output_N_H.view(hidden_B_S_H.shape)

    return forward


class _Anchor(torch.autograd.Function):
    """Hands its input on, and keeps it for `_Tiled`.

    Kept here, and not there, it is the last tensor that a checkpointed layer saves: recomputation stops before it
    runs its MLP, which the backward pass runs tile by tile anyway.
    """

    @staticmethod
    def forward(ctx: Any, hidden_N_H: Tensor) -> Tensor:
        ctx.save_for_backward(hidden_N_H)
        return hidden_N_H.view_as(hidden_N_H)

    @staticmethod
    def backward(ctx: Any, grad_N_H: Tensor) -> Tensor:
        return grad_N_H


class _Tiled(torch.autograd.Function):
    """Gradients of the weights are summed over tiles in fp32 or finer, and handed to autograd as one."""

    @staticmethod
    def forward(
        ctx: Any, module: TokenWise, tile_tokens: int, anchor: Any, hidden_N_H: Tensor, *trained: Tensor
    ) -> Tensor:
        ctx.module, ctx.tile_tokens, ctx.anchor, ctx.trained = module, tile_tokens, anchor, trained
        ctx.conditions = []
        output_N_H: Tensor | None = None
        for tile in slices.of_tiles(hidden_N_H.shape[0], size=tile_tokens):
            conditions = _Conditions.now(hidden_N_H.device)
            ctx.conditions.append(conditions)
            with conditions.autocast():
                output_n_H = module(hidden_N_H[tile][None])[0]
            if output_N_H is None:
                output_N_H = output_n_H.new_empty(hidden_N_H.shape)
            output_N_H[tile] = output_n_H
        assert output_N_H is not None
        return output_N_H

    @staticmethod
    def backward(ctx: Any, grad_N_H: Tensor) -> tuple[Tensor | None, ...]:
        (hidden_N_H,) = ctx.anchor.saved_tensors
        trained = ctx.trained
        grad_hidden_N_H = torch.empty_like(hidden_N_H)
        sums = [torch.zeros_like(weight, dtype=_wide(weight.dtype)) for weight in trained]
        tiles = slices.of_tiles(hidden_N_H.shape[0], size=ctx.tile_tokens)
        for tile, conditions in zip(tiles, ctx.conditions, strict=True):
            input_n_H = hidden_N_H[tile].detach().requires_grad_()
            with torch.enable_grad(), conditions.again():
                output_n_H = ctx.module(input_n_H[None])[0]
            gradients = torch.autograd.grad(output_n_H, [input_n_H, *trained], grad_N_H[tile])
            grad_hidden_N_H[tile] = gradients[0]
            for total, gradient in zip(sums, gradients[1:], strict=True):
                total.add_(gradient)
            gradient = gradients = output_n_H = None  # or they lie beside the next tile's
        narrowed = (total.to(weight.dtype) for total, weight in zip(sums, trained, strict=True))
        return None, None, None, grad_hidden_N_H, *narrowed


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


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.promote_types(dtype, torch.float32)
