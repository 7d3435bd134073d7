"""How many bytes a vLLM engine gets for its KV cache."""

from leanrl.planner.measured import MeasuredStep
from leanrl.planner.memory.allocation import upper_bytes
from leanrl.planner.memory.rollout_engine import (
    engine_working_bytes,
    least_kv_bytes,
    served_weight_bytes,
    wanted_kv_bytes,
)
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.phases import Phase, rollout_phases, train_phases
from leanrl.planner.workload import Workload


def choose_kv_bytes(
    shape: ModelShape, workload: Workload, *, usable_bytes: int, measured: MeasuredStep | None = None
) -> int:
    """Return the bytes for the KV cache: what the config's share leaves, else what the step needs and has room.

    Never less than one sequence of the longest length, without which vLLM does not start. 0 without a vLLM engine.
    """
    if workload.engine == "hf":
        return 0
    least = least_kv_bytes(shape, workload)
    if workload.engine_memory_fraction is not None:
        engine = served_weight_bytes(shape, workload) + sum(engine_working_bytes(shape, workload).values())
        return max(least, int(workload.engine_memory_fraction * usable_bytes) - engine)
    wanted = max(least, wanted_kv_bytes(shape, workload))
    return max(least, min(wanted, _room(shape, workload, usable_bytes, measured)))


def _room(shape: ModelShape, workload: Workload, usable_bytes: int, measured: MeasuredStep | None) -> int:
    """Bytes that are free in the fullest of the phases in which a KV cache exists."""
    if workload.engine == "vllm-server":
        phases = rollout_phases(shape, workload, kv_bytes=1)
    else:
        training = train_phases(shape, workload, kv_bytes=1, measured=measured)
        phases = [phase for phase in training if _holds_kv(phase)]
    return usable_bytes - max(upper_bytes(phase, workload, device="cuda") for phase in phases)


def _holds_kv(phase: Phase) -> bool:
    return "KV cache" in phase.components
