"""Functions that stand in for kernels of a GPU hold the bytes that the kernels hold."""

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from leanrl.simulate.stand_in_functions import cuda_functions


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("trains_input", "trains_weight"), [(True, False), (False, True), (True, True)])
def test_products_of_experts_keep_and_return_what_the_real_ones_do(dtype, trains_input, trains_weight):
    """Fake tensors have sizes alone; the real operator of the CPU says which factors it keeps."""

    def kept_and_gradients(offsets):
        kept = []
        tokens_S_I = torch.zeros(8, 16, dtype=dtype, requires_grad=trains_input)
        weight_E_I_O = torch.zeros(3, 16, 24, dtype=dtype, requires_grad=trains_weight)
        with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda kept: kept):
            output_S_O = functional.grouped_mm(tokens_S_I, weight_E_I_O, offs=offsets)
        output_S_O.backward(torch.ones_like(output_S_O))
        grads = [None if leaf.grad is None else leaf.grad.shape for leaf in (tokens_S_I, weight_E_I_O)]
        sizes = sorted(tuple(tensor.shape) for tensor in kept if tensor.dtype is dtype)
        return output_S_O.shape, output_S_O.dtype, grads, sizes

    real = kept_and_gradients(torch.tensor([2, 2, 8], dtype=torch.int32))
    with FakeTensorMode(), cuda_functions():
        fake = kept_and_gradients(torch.tensor([2, 2, 8], dtype=torch.int32))
    assert fake == real
