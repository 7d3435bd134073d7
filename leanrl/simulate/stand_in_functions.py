"""Functions of a GPU in the place of the CPU's, on fake tensors of the CPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._pytree import tree_map_only

from leanrl.algorithms import products

# Operators that autocast runs in fp32 on CUDA and leaves alone on a CPU, of those that decoders call
# (aten/src/ATen/autocast_mode.h, AT_FORALL_FP32). A norm keeps an fp32 copy of its input so, and gives fp32.
_IN_FP32 = (
    "layer_norm",
    "rms_norm",
    "group_norm",
    "pow.Tensor_Scalar",
    "pow.Tensor_Tensor",
    "exp",
    "expm1",
    "log",
    "reciprocal",
    "rsqrt",
    "softplus",
)


@contextmanager
def cuda_functions() -> Iterator[None]:
    """Let dropout, sums of products, products of experts and autocast hold what they hold on CUDA.

    The functions are replaced, not intercepted: a mode would not reach the layers that the backward pass recomputes.
    """
    with (
        _replaced(functional, "dropout", _native_dropout),
        _replaced(functional, "grouped_mm", _grouped_product),
        _replaced(products, "add_product", _touch_the_sum),
        _autocast_of_cuda(),
    ):
        yield


@contextmanager
def _autocast_of_cuda() -> Iterator[None]:
    """Let the CPU's autocast run in fp32 what CUDA's does."""
    with torch.library._scoped_library("aten", "IMPL") as library:
        for name in _IN_FP32:
            packet, _, overload = name.partition(".")
            operator = getattr(getattr(torch.ops.aten, packet), overload or "default")
            library.impl(name, partial(_run_in_fp32, operator), "AutocastCPU")
        yield


def _run_in_fp32(operator: Any, *inputs: Any, **named: Any) -> Any:
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(torch._C.DispatchKey.AutocastCPU)):
        inputs, named = tree_map_only(Tensor, _in_fp32, (inputs, named))
        return operator(*inputs, **named)


def _in_fp32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


@contextmanager
def _replaced(owner: Any, name: str, stand_in: Callable[..., Any]) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _native_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Keep a mask of one byte a number.

    The CPU's own multiplies by noise in the dtype of the input, and keeps that
    (aten/src/ATen/native/Dropout.cpp, is_fused_kernel_acceptable).
    """
    return torch.native_dropout(input, p, True)[0] if training and p > 0 else input


def _touch_the_sum(sum_n_m: Tensor, left_n_k: Tensor, right_k_m: Tensor) -> None:
    """Allocate nothing: the CUDA kernel adds to an fp32 sum itself, other devices copy both factors first."""
    sum_n_m.add_(0)


def _grouped_product(input_S_I: Tensor, weight_E_I_O: Tensor, *, offs: Tensor) -> Tensor:
    """Multiply S tokens, in the order of their E experts, by I x O weights.

    The kernels take fp32 and fp16 too, one expert after the other. torch's fake tensors know bf16 alone
    (torch/_meta_registrations.py, _meta_grouped_mm_common).
    """
    if weight_E_I_O.dtype is torch.bfloat16:
        return torch._grouped_mm(input_S_I, weight_E_I_O, offs=offs)
    return cast("Tensor", _ExpertProducts.apply(input_S_I, weight_E_I_O))


class _ExpertProducts(torch.autograd.Function):
    """Results without numbers; a factor is kept, and a gradient made, only where it is asked for."""

    @staticmethod
    def forward(ctx: Any, input_S_I: Tensor, weight_E_I_O: Tensor) -> Tensor:
        trains_input, trains_weight = ctx.needs_input_grad
        ctx.save_for_backward(input_S_I if trains_weight else None, weight_E_I_O if trains_input else None)
        ctx.sizes = input_S_I.shape, weight_E_I_O.shape
        return input_S_I.new_empty(input_S_I.shape[0], weight_E_I_O.shape[2])

    @staticmethod
    def backward(ctx: Any, grad_S_O: Tensor) -> tuple[Tensor | None, ...]:
        asked = zip(ctx.sizes, ctx.needs_input_grad, strict=True)
        return tuple(grad_S_O.new_empty(sizes) if is_trained else None for sizes, is_trained in asked)
