"""What stands behind the first screen of a plan: every phase of every card, its parts, and what was assumed."""

import textwrap

from leanrl.planner.memory.weights import nf4_bytes
from leanrl.planner.phases import Phase
from leanrl.planner.prediction import GpuPlan, Plan
from leanrl.planner.text.calibration_text import calibration_details
from leanrl.planner.text.part_words import parts_in_words
from leanrl.planner.text.phase_words import PHASE_WORDS
from leanrl.planner.text.time_text import time_details

_GIB = 2**30
# Holds a name and its size together where a line is wrapped.
_NO_BREAK = "\xa0"
_LEAST_BAR, _MOST_BAR = 8, 40
# Indent, gaps, brackets and the number.
_BESIDE_BAR = 14
_SOURCES = {
    "closed_form": "Calculated from the model's shape, not measured",
    "simulation": "Training memory simulated: a step's own code ran on tensors without numbers; the rest calculated",
}


def plan_details(plan: Plan, *, columns: int = 80) -> list[str]:
    """Return the lines behind the first screen; nothing in them was measured but what they say was.

    Bars and lists of parts keep to `columns` characters where there is room for them at all.
    """
    lines: list[str] = []
    for gpus in _equal_gpus(plan):
        lines += [*_picture(plan, gpus, columns), ""]
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
    # A simulated need may be a little below the formula, of which the floors are made.
    if plan.floors and plan.source == "closed_form":
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
        f"{rows} of {workload.row_tokens:,} tokens in a micro-batch{_kept_text(plan)}.",
        *time_details(plan),
    ]


def _kept_text(plan: Plan) -> str:
    kept, num_layers = plan.num_kept_layers, plan.shape.num_layers
    if kept == num_layers:
        return ", and every layer keeps its activations"
    return f", and the last {kept} of {num_layers} layers keep their activations" if kept else ""


def _equal_gpus(plan: Plan) -> list[list[GpuPlan]]:
    """Cards that do the same, together."""
    groups: dict[str, list[GpuPlan]] = {}
    for gpu in plan.gpus:
        groups.setdefault(gpu.role, []).append(gpu)
    return list(groups.values())


def _picture(plan: Plan, gpus: list[GpuPlan], columns: int) -> list[str]:
    gpu = gpus[0]
    return [
        f"{_title(plan, gpus)}: memory at the fullest moment of each phase, in GiB",
        *_phase_lines(gpu, columns),
        "",
        f"  parts of {gpu.peak.name}, in GiB:",
        *_part_lines(gpu.peak),
        "  parts of the other phases:",
        *_other_parts(gpu, columns),
    ]


def _title(plan: Plan, gpus: list[GpuPlan]) -> str:
    gpu, one = gpus[0], len(gpus) == 1
    if plan.device == "cpu":
        return f"CPU, {_gib(gpu.usable_bytes)} GiB"
    do = {"train": "train", "rollout": "generate", "both": "train and generate"}[gpu.role]
    does = {"train": "trains", "rollout": "generates", "both": "trains and generates"}[gpu.role]
    size = f"{_gib(gpu.usable_bytes)} GiB"
    return f"GPU {gpu.index} {does}, {size}" if one else f"GPUs {gpu.index}-{gpus[-1].index} {do}, {size} each"


def _phase_lines(gpu: GpuPlan, columns: int) -> list[str]:
    width = max(len(phase.name) for phase in gpu.phases)
    words_width = max(len(PHASE_WORDS[phase.name]) for phase in gpu.phases)
    bar_width = min(_MOST_BAR, max(_LEAST_BAR, columns - width - words_width - _BESIDE_BAR))
    return [
        f"  {phase.name:<{width}}  {PHASE_WORDS[phase.name]:<{words_width}}  "
        f"{_bar(phase.bytes, gpu.usable_bytes, bar_width)} {_gib(phase.bytes)}"
        for phase in gpu.phases
    ]


def _part_lines(phase: Phase) -> list[str]:
    parts = parts_in_words(phase)
    width = max((len(name) for name, _, _ in parts), default=0)
    return [f"    {name:<{width}}  {_gib(size):>5}  {words}".rstrip() for name, size, words in parts]


def _other_parts(gpu: GpuPlan, columns: int) -> list[str]:
    """A paragraph for each phase but the fullest."""
    lines = []
    for phase in gpu.phases:
        if phase is not gpu.peak:
            parts = ", ".join(f"{name} {_gib(size)}".replace(" ", _NO_BREAK) for name, size, _ in parts_in_words(phase))
            lines += textwrap.wrap(f"{phase.name}: {parts}", columns, initial_indent="    ", subsequent_indent="      ")
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _bar(size: int, usable_bytes: int, width: int) -> str:
    """A bar that is full at the card's limit; what goes beyond it is marked."""
    filled = round(width * size / usable_bytes)
    if filled > width:
        return "[" + "#" * width + ">"
    return "[" + "#" * filled + "." * (width - filled) + "]"


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f}"
