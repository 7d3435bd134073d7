"""The least a run could take with everything known to save memory, to set a plan beside."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from leanrl.planner.allocation import CONTEXT_BYTES
from leanrl.planner.phases import Phase, PhaseName, train_phases
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
    floors = [_floor(_NAMES[workload.engine], shape, workload, kv_bytes, shares_base=False)]
    if workload.engine == "vllm-colocate" and workload.method == "lora":
        floors.insert(0, _floor("base shared with the engine", shape, workload, kv_bytes, shares_base=True))
    return tuple(floors)


def _floor(name: str, shape: ModelShape, workload: Workload, kv_bytes: int, *, shares_base: bool) -> Floor:
    leanest = _leanest(replace(workload, shares_base=shares_base))
    peaks = [max(train_phases(shape, lean, kv_bytes=kv_bytes), key=_size) for lean in leanest]
    least = min(peaks, key=_size)
    return Floor(name, least.bytes + CONTEXT_BYTES, least.name)


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
        reference="host" if workload.reference == "gpu" else workload.reference,
        tile_tokens=workload.row_tokens // _MLP_TILES,
        engine_batch_tokens=_ENGINE_BATCH_TOKENS,
        residency="asleep",
    )
    yield replace(lean, micro_batch_completions=1, num_micro_batches=workload.completions_per_rank)
    yield replace(lean, micro_batch_completions=workload.completions_per_rank, num_micro_batches=1)
