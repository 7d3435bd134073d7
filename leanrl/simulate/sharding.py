"""One rank's shards of a model under FSDP2, with a process group that sends nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore

# The counterpart of the paper's ZeRO-2 (design D12): fp32 shards, bf16 compute, gradients reduced in fp32, and
# gathered weights kept from the forward pass to the end of the backward pass.
_POLICY = MixedPrecisionPolicy(
    param_dtype=torch.bfloat16, reduce_dtype=torch.float32, output_dtype=torch.bfloat16, cast_forward_inputs=True
)


@contextmanager
def fake_ranks(num_ranks: int) -> Iterator[DeviceMesh]:
    """Let this process be rank 0 of `num_ranks`; the others do not exist. Enter it before tensors are fake."""
    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=num_ranks)
    try:
        yield init_device_mesh("cpu", (num_ranks,))
    finally:
        dist.destroy_process_group()


def shard(model: nn.Module, mesh: DeviceMesh) -> None:
    """Leave this rank's part of every weight: one unit for each decoder layer, and one for what is around them.

    A frozen model drops gathered weights after each layer: no backward pass ever comes to free them.
    """
    is_frozen = not any(tensor.requires_grad for tensor in model.parameters())
    for unit in [*model.get_submodule("model.layers").children(), model]:
        fully_shard(unit, mesh=mesh, mp_policy=_POLICY, reshard_after_forward=is_frozen)


def sync_gradients(model: nn.Module, *, is_last: bool) -> None:
    """Let the next backward pass reduce gradients over the ranks, or only add them up."""
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(is_last)
