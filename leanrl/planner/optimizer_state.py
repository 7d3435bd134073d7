"""Bytes of the optimizer's state on one training rank."""

from leanrl.planner.shapes import ModelShape
from leanrl.planner.weights import trained_params
from leanrl.planner.workload import Workload

# Two 8-bit moments, each with an fp32 scale for 256 values.
_ADAM_8BIT_BYTES_PER_PARAM = 2 * (1 + 4 / 256)


def optimizer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of Adam's moments (and ZeRO's masters) that stay on the card."""
    return 0 if is_in_host_memory(workload) else _whole_bytes(shape, workload) // _shards(workload)


def host_optimizer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the same state where it lives in host memory."""
    return _whole_bytes(shape, workload) // _shards(workload) if is_in_host_memory(workload) else 0


def step_buffer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes that the optimizer moves through the card when its state lives elsewhere: that of the largest tensor.

    The fused AdamW that leanrl uses needs nothing beside its state.
    """
    if not is_in_host_memory(workload):
        return 0
    largest = max(
        shape.embedding_params if workload.method == "full" else 0,
        *(inputs * outputs for inputs, outputs in shape.linears.values()),
    )
    return int(largest * _bytes_per_param(workload)) // _shards(workload)


def is_in_host_memory(workload: Workload) -> bool:
    return workload.optimizer in ("adamw_8bit_paged", "adamw_offloaded")


def _whole_bytes(shape: ModelShape, workload: Workload) -> int:
    return int(trained_params(shape, workload) * _bytes_per_param(workload))


def _bytes_per_param(workload: Workload) -> float:
    if workload.sharding.startswith("zero"):
        return 12.0
    if workload.optimizer in ("adamw_8bit", "adamw_8bit_paged"):
        return _ADAM_8BIT_BYTES_PER_PARAM
    if workload.optimizer == "adamw_offloaded":
        # Two fp32 moments, and fp32 masters where the card holds 16-bit weights.
        return 8.0 if workload.weight_bytes_per_param == 4 else 12.0
    # torch's AdamW keeps its moments in the dtype of the weight.
    return 2.0 * (workload.weight_bytes_per_param if workload.method == "full" else workload.adapter_bytes_per_param)


def _shards(workload: Workload) -> int:
    return workload.num_ranks if workload.is_fsdp or workload.sharding.startswith("zero") else 1
