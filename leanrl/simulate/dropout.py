"""The dropout that a GPU would run, on fake tensors of the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional


@contextmanager
def cuda_dropout() -> Iterator[None]:
    """Let dropout keep a mask of one byte a number, as the CUDA kernel does.

    The CPU's own multiplies by noise in the dtype of the input, and keeps that
    (aten/src/ATen/native/Dropout.cpp, is_fused_kernel_acceptable). The function is replaced, not intercepted: a
    mode would not reach the layers that the backward pass recomputes.
    """
    original = functional.dropout
    functional.dropout = _native_dropout
    try:
        yield
    finally:
        functional.dropout = original


def _native_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    return torch.native_dropout(input, p, True)[0] if training and p > 0 else input
