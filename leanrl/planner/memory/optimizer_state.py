"""Bytes of the optimizer's state on one training rank."""

from leanrl.planner.memory.gradients import gradient_bytes_per_param
from leanrl.planner.memory.weights import trained_params
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

# Two 8-bit moments, each with an fp32 scale for 256 values.
_ADAM_8BIT_BYTES_PER_PARAM = 2 * (1 + 4 / 256)
# Weight, gradient and noise in fp32 while a slice of weights is rounded (engine/optimizers/paged_adamw.py).
WEIGHTS_ROUNDED_AT_ONCE = 2**24
_ROUNDING_BYTES = 12 * WEIGHTS_ROUNDED_AT_ONCE


def optimizer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of Adam's moments (and ZeRO's masters) that stay on the card."""
    return 0 if is_in_host_memory(workload) else _whole_bytes(shape, workload) // _shards(workload)


def host_optimizer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the same state where it lives in host memory."""
    return _whole_bytes(shape, workload) // _shards(workload) if is_in_host_memory(workload) else 0


def step_buffer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes that the optimizer needs on the card beside its state, while it updates.

    Paged state visits the card, at the least that of the largest tensor, and 16-bit weights are rounded slice by
    slice. The others need nothing there: two update within one kernel, one updates on the host.
    """
    if workload.optimizer != "adamw_8bit_paged":
        return 0
    largest = max(
        shape.largest_table_params if workload.method == "full" else 0,
        *(inputs * outputs for inputs, outputs in shape.linears.values()),
    )
    rounding = min(12 * largest, _ROUNDING_BYTES) if gradient_bytes_per_param(workload) == 2 else 0
    return (int(largest * _bytes_per_param(workload)) + rounding) // _shards(workload)


def is_in_host_memory(workload: Workload) -> bool:
    return workload.optimizer in ("adamw_8bit_paged", "adamw_offloaded")


def _whole_bytes(shape: ModelShape, workload: Workload) -> int:
    return int(trained_params(shape, workload) * _bytes_per_param(workload))


def _bytes_per_param(workload: Workload) -> float:
    # A trained weight, its gradient and torch's moments have one dtype.
    trained_bytes = gradient_bytes_per_param(workload)
    if workload.sharding.startswith("zero"):
        return 12.0
    if workload.optimizer in ("adamw_8bit", "adamw_8bit_paged"):
        return _ADAM_8BIT_BYTES_PER_PARAM
    if workload.optimizer == "adamw_offloaded":
        # Two fp32 moments, and fp32 masters of 16-bit weights.
        return 8.0 if trained_bytes == 4 else 12.0
    return 2.0 * trained_bytes


def _shards(workload: Workload) -> int:
    return workload.num_ranks if workload.is_fsdp or workload.sharding.startswith("zero") else 1
