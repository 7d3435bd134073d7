"""What autocast runs in fp32 on CUDA, on tensors of the CPU."""

import pytest
import torch
from torch.nn import functional

from leanrl.simulate.stand_in_functions import cuda_functions

INPUT = torch.ones(2, 4, dtype=torch.bfloat16, requires_grad=True)


@pytest.mark.parametrize(
    "run",
    [
        lambda tensor: functional.layer_norm(tensor, (4,), torch.ones(4, dtype=torch.bfloat16)),
        lambda tensor: torch.square(tensor),
        lambda tensor: tensor**3,
        lambda tensor: functional.softplus(tensor),
        lambda tensor: torch.rsqrt(tensor),
    ],
    ids=["layer_norm", "square", "pow", "softplus", "rsqrt"],
)
def test_what_autocast_runs_in_fp32_on_cuda(run):
    """Its backward pass hands a bf16 gradient back; without autocast and without the stand-ins nothing is cast."""
    with cuda_functions():
        with torch.autocast("cpu", torch.bfloat16):
            output = run(INPUT)
        assert run(INPUT).dtype is torch.bfloat16
    assert output.dtype is torch.float32
    (gradient,) = torch.autograd.grad(output.sum(), INPUT)
    assert gradient.dtype is torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        assert run(INPUT).dtype is torch.bfloat16


def test_a_norm_keeps_its_input_in_fp32():
    kept = []
    with (
        cuda_functions(),
        torch.autocast("cpu", torch.bfloat16),
        torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor),
    ):
        functional.layer_norm(INPUT, (4,))
    assert [tensor.dtype for tensor in kept if tensor.shape == INPUT.shape] == [torch.float32]
