"""Stand-ins for code that cannot run on fake tensors: they hold the bytes it holds, and compute nothing."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from leanrl.models.structure.adaptable import read_past_the_module
from leanrl.planner.memory.optimizer_state import WEIGHTS_ROUNDED_AT_ONCE

# bitsandbytes' NF4 with double quantisation: blocks of 64 weights with a scale of one byte, and of 256 scales with
# an fp32 one (bitsandbytes/functional.py, quantize_4bit and quantize_blockwise).
_WEIGHTS_PER_SCALE = 64
_SCALES_PER_SCALE = 256


class NF4Linear(nn.Linear):
    """Holds what bitsandbytes' Linear4bit holds; its weight is dequantised while it multiplies."""

    def __init__(self, linear: nn.Linear | Conv1D, *, compute_dtype: torch.dtype) -> None:
        nn.Module.__init__(self)
        is_transposed = isinstance(linear, Conv1D)
        self.in_features, self.out_features = linear.weight.shape if is_transposed else reversed(linear.weight.shape)
        self.compute_dtype = compute_dtype
        num_weights = linear.weight.numel()
        num_scales = -(-num_weights // _WEIGHTS_PER_SCALE)
        self.weight = _frozen(-(-num_weights // 2), torch.uint8)
        self.scales = _frozen(num_scales, torch.uint8)
        self.scales_of_scales = _frozen(-(-num_scales // _SCALES_PER_SCALE), torch.float32)
        self.bias = linear.bias

    def forward(self, input_B_S_I: Tensor) -> Tensor:
        output = _NF4Product.apply(input_B_S_I.to(self.compute_dtype), self.out_features, self.in_features, self.weight)
        return output if self.bias is None else output + self.bias.to(output.dtype)


class _NF4Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input_B_S_I: Tensor, num_outputs: int, num_inputs: int, packed: Tensor) -> Tensor:
        ctx.sizes = num_outputs, num_inputs
        return input_B_S_I @ _dequantised(packed, ctx.sizes, input_B_S_I.dtype).t()

    @staticmethod
    def backward(ctx: Any, grad_B_S_O: Tensor) -> tuple[Tensor | None, ...]:
        weight_O_I = _dequantised(grad_B_S_O, ctx.sizes, grad_B_S_O.dtype)
        return grad_B_S_O @ weight_O_I, None, None, None


class Adam8bit(torch.optim.Optimizer):
    """Holds two moments of one byte a weight, with an fp32 scale for each block (torchao's and bitsandbytes' 256)."""

    def __init__(self, params: Iterable[nn.Parameter]) -> None:
        super().__init__(params, defaults={})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for param in group["params"]:
                state = self.state[param]
                for moment in ("first", "second") if not state else ():
                    state[moment] = torch.empty(param.numel(), dtype=torch.uint8, device=param.device)
                    num_scales = -(-param.numel() // _SCALES_PER_SCALE)
                    state[f"{moment}_scales"] = torch.empty(num_scales, dtype=torch.float32, device=param.device)


@torch.no_grad()
def visit_with_paged_state(weights: Iterable[nn.Parameter]) -> None:
    """Hold what bitsandbytes' paged Adam has on the card: the state of one weight, and a slice of it in fp32.

    Weights of 16 bits alone are rounded in slices.
    """
    for weight in weights:
        own = weight.to_local() if isinstance(weight, DTensor) else weight
        optimizer = Adam8bit([nn.Parameter(own, requires_grad=own.requires_grad)])
        optimizer.step()
        if own.dtype == torch.bfloat16:
            count = min(own.numel(), WEIGHTS_ROUNDED_AT_ONCE)
            value, gradient, noise = (torch.empty(count, dtype=torch.float32, device=own.device) for _ in range(3))
            del value, gradient, noise
        del optimizer


def quantise(model: PreTrainedModel, *, compute_dtype: torch.dtype) -> None:
    """Replace linear layers, GPT-2's transposed ones too, by NF4 stand-ins; never the head.

    transformers leaves subclasses of linear modules as they are, such as PhiMoE's router, which returns more. Weights
    that layers read past their modules stay too (`models.nf4.nf4_settings`).
    """
    kept = {model.get_output_embeddings(), *map(model.get_submodule, read_past_the_module(model))}
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child not in kept and type(child) in (nn.Linear, Conv1D):
                setattr(parent, name, NF4Linear(child, compute_dtype=compute_dtype))


def _frozen(count: int, dtype: torch.dtype) -> nn.Parameter:
    return nn.Parameter(torch.empty(count, dtype=dtype, device="meta"), requires_grad=False)


def _dequantised(like: Tensor, sizes: tuple[int, int], dtype: torch.dtype) -> Tensor:
    return torch.empty(sizes, dtype=dtype, device=like.device)
