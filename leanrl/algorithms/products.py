"""Matrix products that are added to a sum of finer dtype.

Axes: n, k, m: rows, inner numbers and columns of a product.
"""

import torch
from torch import Tensor


def add_product(sum_n_m: Tensor, left_n_k: Tensor, right_k_m: Tensor) -> None:
    """Add left @ right to `sum_n_m` in place, and round the product to no coarser dtype than that of the sum.

    A bf16 product that is rounded before it is added makes an error in each tile, which a sum over many tiles keeps.
    On CUDA the matrix kernel itself adds to an fp32 sum. Other devices have no such kernel: there both factors are
    copied in the dtype of the sum.
    """
    if sum_n_m.dtype == left_n_k.dtype:
        sum_n_m.addmm_(left_n_k, right_k_m)
    elif sum_n_m.device.type == "cuda" and sum_n_m.dtype == torch.float32:
        torch.addmm(sum_n_m, left_n_k, right_k_m, out_dtype=torch.float32, out=sum_n_m)
    else:
        sum_n_m.addmm_(left_n_k.to(sum_n_m.dtype), right_k_m.to(sum_n_m.dtype))
