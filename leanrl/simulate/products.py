"""The matrix kernel that a GPU would run for a sum of bf16 products, on fake tensors of the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor

from leanrl.algorithms import products


@contextmanager
def cuda_products() -> Iterator[None]:
    """Let `add_product` allocate nothing, as the CUDA kernel does that adds to an fp32 sum by itself.

    Other devices copy both factors in the dtype of the sum.
    """
    original = products.add_product
    products.add_product = _touch_the_sum
    try:
        yield
    finally:
        products.add_product = original


def _touch_the_sum(sum_n_m: Tensor, left_n_k: Tensor, right_k_m: Tensor) -> None:
    sum_n_m.add_(0)
