"""The least a run could take with everything known to save memory, to set a plan beside."""

from dataclasses import dataclass, replace

from leanrl.planner.allocation import CONTEXT_BYTES
from leanrl.planner.phases import PhaseName, train_phases
from leanrl.planner.shapes import ModelShape
from leanrl.planner.workload import Workload

# Where the engine's weights are.
_NAMES = {
    "hf": "one model trains and generates",
    "vllm-colocate": "separate base",
    "vllm-server": "the engine on other cards",
}
# What the floor assumes beyond leanrl: see `_leanest`.
_MLP_TILES = 8
_ENGINE_BATCH_TOKENS = 2048


@dataclass(frozen=True)
class Floor:
    """A lower bound on a training card: its bytes with the CUDA context, and the phase that sets it."""

    name: str
    bytes: int
    phase: PhaseName


def find_floors(shape: ModelShape, workload: Workload, *, kv_bytes: int) -> tuple[Floor, ...]:
    """Return the floors of a card that trains, with the bytes for keys and values that the plan chose.

    With a colocated vLLM and a 16-bit adapter there are two: the trainer's base shared with the engine, and a base
    of its own. leanrl cannot share an NF4 base or fully trained weights, so there is one.
    """
    leanest = _leanest(workload)
    floors = [_floor(_NAMES[workload.engine], shape, leanest, kv_bytes)]
    if workload.engine == "vllm-colocate" and workload.method == "lora":
        floors.insert(0, _floor("base shared with the engine", shape, replace(leanest, shares_base=True), kv_bytes))
    return tuple(floors)


def _floor(name: str, shape: ModelShape, workload: Workload, kv_bytes: int) -> Floor:
    phases = train_phases(shape, workload, kv_bytes=kv_bytes)
    largest = max(phases, key=lambda phase: phase.bytes)
    return Floor(name, largest.bytes + CONTEXT_BYTES, largest.name)


def _leanest(workload: Workload) -> Workload:
    """One completion at a time, checkpoints in host memory, the MLP in tiles, a small scheduler step in vLLM."""
    return replace(
        workload,
        micro_batch_completions=1,
        num_micro_batches=workload.completions_per_rank,
        activations="offloaded",
        tile_tokens=workload.row_tokens // _MLP_TILES,
        engine_batch_tokens=_ENGINE_BATCH_TOKENS,
        residency="asleep",
        shares_base=False,
    )
