"""What stands behind the first screen of a plan: every phase of every card, its parts, and what was assumed."""

from leanrl.planner.calibration_text import calibration_details
from leanrl.planner.phase_words import PHASE_WORDS
from leanrl.planner.phases import Phase
from leanrl.planner.prediction import GpuPlan, Plan
from leanrl.planner.time_text import time_details
from leanrl.planner.weights import nf4_bytes

_GIB = 2**30
_BAR_WIDTH = 24
_LEAST_PRINTED_BYTES = _GIB // 20
_SOURCES = {
    "closed_form": "Calculated from the model's shape, not measured",
    "simulation": "Training memory simulated: a step's own code ran on tensors without numbers; the rest calculated",
}


def plan_details(plan: Plan) -> list[str]:
    """Return the lines behind the first screen; nothing in them was measured but what they say was."""
    lines: list[str] = []
    for gpus in _equal_gpus(plan):
        lines += [*_picture(plan, gpus), ""]
    for note in _notes(plan):
        lines += [note, ""]
    measured = [] if plan.calibration is None else [*calibration_details(plan.calibration), ""]
    return [*lines, *measured, *_assumptions(plan)]


def _notes(plan: Plan) -> list[str]:
    notes = []
    if plan.host is not None:
        notes.append(plan.host.sentence)
    if plan.base_note is not None:
        notes.append(plan.base_note)
    if plan.workload.method == "qlora" and plan.workload.engine != "hf":
        notes.append(_bases_line(plan))
    if plan.floors:
        notes.append(_floor_line(plan))
    return notes


def _bases_line(plan: Plan) -> str:
    """Say what QLoRA's two bases take, and what the other choice would: adapters in 16 bit need one kind alone."""
    nf4, original = _gib(nf4_bytes(plan.shape)), _gib(2 * plan.shape.num_params)
    if plan.workload.engine_is_nf4:
        return f"The base is NF4 in the trainer and in vLLM, {nf4} GiB each; rollout.base=original: {original} in vLLM."
    return (
        f"The base is NF4 in the trainer ({nf4} GiB) and 16-bit in vLLM ({original} GiB; {nf4} with rollout.base=nf4)."
    )


def _floor_line(plan: Plan) -> str:
    floors = ", ".join(f"{_gib(floor.bytes)} GiB ({floor.name})" for floor in plan.floors)
    need = _gib(plan.gpus[0].peak.bytes)
    return f"Floor, the least with every known saving and the same KV cache: {floors}; this plan needs {need} GiB."


def _assumptions(plan: Plan) -> list[str]:
    workload = plan.workload
    rows = "1 row" if workload.micro_batch_completions == 1 else f"{workload.micro_batch_completions} rows"
    return [
        f"{_SOURCES[plan.source]}. The plan is for the longest prompts and completions that can occur: "
        f"{rows} of {workload.row_tokens:,} tokens in a micro-batch.",
        *time_details(plan),
    ]


def _equal_gpus(plan: Plan) -> list[list[GpuPlan]]:
    """Cards that do the same, together."""
    groups: dict[str, list[GpuPlan]] = {}
    for gpu in plan.gpus:
        groups.setdefault(gpu.role, []).append(gpu)
    return list(groups.values())


def _picture(plan: Plan, gpus: list[GpuPlan]) -> list[str]:
    gpu = gpus[0]
    does = {"train": "train", "rollout": "generate", "both": "train and generate"}[gpu.role]
    if plan.device == "cpu":
        title = f"CPU ({does}), {_gib(gpu.usable_bytes)} GiB"
    else:
        numbers = f"{gpus[0].index}" if len(gpus) == 1 else f"{gpus[0].index}-{gpus[-1].index}"
        title = f"GPU {numbers} ({does}), {_gib(gpu.usable_bytes)} GiB each"
    return [title, *_phase_lines(gpu), "  parts in GiB:", *_part_lines(gpu)]


def _phase_lines(gpu: GpuPlan) -> list[str]:
    width = max(len(phase.name) for phase in gpu.phases)
    words_width = max(len(PHASE_WORDS[phase.name]) for phase in gpu.phases)
    return [
        f"  {phase.name:<{width}}  {PHASE_WORDS[phase.name]:<{words_width}}  "
        f"{_bar(phase.bytes, gpu)} {_gib(phase.bytes)}"
        for phase in gpu.phases
    ]


def _part_lines(gpu: GpuPlan) -> list[str]:
    width = max(len(phase.name) for phase in gpu.phases)
    return [f"  {phase.name:<{width}}  {_parts(phase)}" for phase in gpu.phases]


def _parts(phase: Phase) -> str:
    largest = sorted(phase.components.items(), key=lambda part: -part[1])
    return ", ".join(f"{name} {_gib(size)}" for name, size in largest if size >= _LEAST_PRINTED_BYTES)


def _bar(size: int, gpu: GpuPlan) -> str:
    """A bar that is full at the card's limit; what goes beyond it is marked."""
    filled = round(_BAR_WIDTH * size / gpu.usable_bytes)
    if filled > _BAR_WIDTH:
        return "[" + "#" * _BAR_WIDTH + ">"
    return "[" + "#" * filled + "." * (_BAR_WIDTH - filled) + "]"


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f}"
