"""Products added to a finer sum: exact to the sum's dtype, in place."""

import pytest
import torch

from leanrl.algorithms.products import add_product


def _fp32_sum_of_bf16(device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return 1 + left @ right by `add_product`, and by float64; 1/256 of a product is lost where it is rounded."""
    torch.manual_seed(0)
    left, right = torch.randn(8, 300).bfloat16(), torch.randn(300, 5).bfloat16()
    total = torch.ones(8, 5, device=device)
    add_product(total, left.to(device), right.to(device))
    return total.cpu().double(), 1 + left.double() @ right.double()


def test_a_bf16_product_is_not_rounded():
    found, expected = _fp32_sum_of_bf16("cpu")
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_dtypes(dtype):
    """2 + 1 x 3 + 2 x 4 = 13."""
    total = torch.tensor([[2.0]], dtype=dtype)
    add_product(total, torch.tensor([[1.0, 2.0]], dtype=dtype), torch.tensor([[3.0], [4.0]], dtype=dtype))
    assert total.tolist() == [[13.0]]


def test_a_transposed_factor_and_a_slice_of_the_sum():
    """Rows 1 and 2 of the sum alone: [1, 2]^T [10, 20]."""
    total = torch.zeros(4, 2)
    add_product(total[1:3], torch.tensor([[1.0, 2.0]]).bfloat16().t(), torch.tensor([[10.0, 20.0]]).bfloat16())
    assert total.tolist() == [[0, 0], [10, 20], [20, 40], [0, 0]]


def test_torch_has_the_kernel_that_cuda_takes():
    """`torch.addmm(..., out_dtype=, out=)`: an fp32 sum of bf16 factors, written in place."""
    assert "dtype_out" in torch.ops.aten.addmm.overloads()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_bf16_product_is_not_rounded_on_a_gpu():
    found, expected = _fp32_sum_of_bf16("cuda")
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-3)
