"""Stochastic rounding: fp32 values written to bfloat16 so that small updates survive on average."""

import torch
from torch import Tensor

# bfloat16 is the upper half of an fp32 number, so its lower half is what rounding decides about.
_LOWER_BITS = 16


def copy_rounded(exact: Tensor, out: Tensor) -> None:
    """Write fp32 values to a bfloat16 tensor, up or down at random, with the exact value as the mean.

    A random number below one unit of the kept half is added and the rest cut off: the chance of rounding up is
    the fraction that would be lost. The random state is torch's own, so a resumed run draws what it would have drawn.

    Raises:
        ValueError: for other dtypes.

    Source: stochastic rounding of bfloat16 weights, arXiv 2010.06192.
    """
    if (exact.dtype, out.dtype) != (torch.float32, torch.bfloat16):
        raise ValueError(f"rounding goes from float32 to bfloat16, not from {exact.dtype} to {out.dtype}.")
    noise = torch.randint(0, 1 << _LOWER_BITS, exact.shape, dtype=torch.int32, device=exact.device)
    noise += exact.view(torch.int32)
    noise &= -(1 << _LOWER_BITS)
    out.copy_(noise.view(torch.float32))
