"""Functions of a GPU in the place of the CPU's, on fake tensors of the CPU."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from leanrl.algorithms import products


@contextmanager
def cuda_functions() -> Iterator[None]:
    """Let dropout and sums of products hold what their CUDA kernels hold.

    The functions are replaced, not intercepted: a mode would not reach the layers that the backward pass recomputes.
    """
    with _replaced(functional, "dropout", _native_dropout), _replaced(products, "add_product", _touch_the_sum):
        yield


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
