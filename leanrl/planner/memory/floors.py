"""The least tensors a card that trains could hold with everything known to save memory, to set beside a plan's need."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.phases import Phase, PhaseName, train_phases
from leanrl.planner.workload import Workload

# Where the engine's weights are.
_NAMES = {
    "hf": "one model trains and generates",
    "vllm-colocate": "separate base",
    "vllm-server": "the engine on other cards",
}
_SHARED = "base shared with the engine"
# What the floor assumes beyond leanrl: see `_leanest`.
_MLP_TILES = 8
_ENGINE_BATCH_TOKENS = 2048


@dataclass(frozen=True)
class Floor:
    """A lower bound on the peak of a training card: its bytes of tensors, as in a plan, and the phase that sets it."""

    name: str
    bytes: int
    phase: PhaseName


def find_floors(shape: ModelShape, workload: Workload, *, kv_bytes: int) -> tuple[Floor, ...]:
    """Return the floors of a card that trains, with the bytes of KV cache that the plan chose.

    The plan's own settings are among those that a floor is the least of, so that no floor is above the plan's need.

    With a colocated vLLM, a 16-bit adapter and a base each there are two: that, and one base for both. Where the plan
    shares the base there is one. leanrl cannot share an NF4 base or fully trained weights.
    """
    own = _floor(_SHARED if workload.shares_base else _NAMES[workload.engine], shape, workload, kv_bytes)
    if workload.shares_base or workload.engine != "vllm-colocate" or workload.method != "lora":
        return (own,)
    return (_floor(_SHARED, shape, replace(workload, shares_base=True), kv_bytes), own)


def _floor(name: str, shape: ModelShape, workload: Workload, kv_bytes: int) -> Floor:
    peaks = [
        max(train_phases(shape, settings, kv_bytes=kv_bytes), key=_size) for settings in (workload, *_leanest(workload))
    ]
    least = min(peaks, key=_size)
    return Floor(name, least.bytes, least.name)


def _size(phase: Phase) -> int:
    return phase.bytes


def _leanest(workload: Workload) -> Iterator[Workload]:
    """Checkpoints and reference in host memory, the MLP in tiles, a small scheduler step in vLLM.

    One completion at a time has the least activations. All at once need no gradients that add up, which FSDP2 holds
    whole.
    """
    lean = replace(
        workload,
        activations="offloaded",
        kept_layers=0,
        reference="host" if workload.reference == "gpu" else workload.reference,
        tile_tokens=workload.row_tokens // _MLP_TILES,
        engine_batch_tokens=_ENGINE_BATCH_TOKENS,
        residency="asleep",
    )
    yield replace(lean, micro_batch_completions=1, num_micro_batches=workload.rows_per_rank)
    yield replace(lean, micro_batch_completions=workload.rows_per_rank, num_micro_batches=1)
