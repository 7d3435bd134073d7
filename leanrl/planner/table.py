"""The plan as text for a terminal: four lines that anybody can read, then a bar for each phase."""

from dataclasses import asdict

from leanrl.planner.duration import BANDWIDTH_SHARE, COMPUTE_SHARE, Lengths
from leanrl.planner.prediction import GpuPlan, Plan
from leanrl.planner.weights import nf4_bytes

_GIB = 2**30
_BAR_WIDTH = 40
_VERDICTS = {
    "fits": "It fits, with room for what the driver adds.",
    "tight": "It is tight: the tensors fit, but perhaps not what the driver and fragmentation add.",
    "does_not_fit": "It does not fit.",
}
_SOURCES = {
    "closed_form": "Calculated from the model's shape, not measured",
    "simulation": "Training memory simulated: a step's own code ran on tensors without numbers, since there is no "
    "formula for this model; the rest calculated",
}
_PHASES = {
    "load": "loading",
    "rollout": "generating completions",
    "sync": "sending new weights to the engine",
    "reference": "scoring with the start model",
    "forward_backward": "computing gradients",
    "optimizer_step": "updating the weights",
    "save": "saving a checkpoint",
}


def plan_table(plan: Plan) -> str:
    """Return the plan as plain text; nothing in it was measured."""
    lines = _summary(plan)
    for gpus in _equal_gpus(plan):
        lines += ["", *_picture(plan, gpus)]
    if plan.host is not None:
        lines += ["", plan.host.sentence]
    if plan.base_note is not None:
        lines += ["", plan.base_note]
    if plan.workload.method == "qlora" and plan.workload.engine != "hf":
        lines += ["", _bases_line(plan)]
    if plan.floors:
        lines += ["", _floor_line(plan)]
    if plan.fixes:
        lines += ["", "To make it fit, cheapest first:", *(f"  {fix.line}" for fix in plan.offers)]
    if plan.nearest_note is not None:
        lines += ["", plan.nearest_note]
    lines += ["", *_assumptions(plan)]
    return "\n".join(lines) + "\n"


def _summary(plan: Plan) -> list[str]:
    worst = plan.worst
    biggest = max(worst.peak.components, key=lambda name: worst.peak.components[name])
    return [
        f"{plan.preset}: {_VERDICTS[plan.verdict]}",
        f"{_subject(plan)} needs {_gib(worst.peak.bytes)}, at most {_gib(worst.upper_bytes)}, "
        f"of {_gib(worst.usable_bytes)} GiB{_of_which_memory(plan)}.",
        f"Most is needed while {_PHASES[worst.peak.name]}; the largest part is {biggest} "
        f"({_gib(worst.peak.components[biggest])} GiB).",
        _time_line(plan),
    ]


def _time_line(plan: Plan) -> str:
    if plan.step_seconds is None:
        return "How long it takes is not predicted here."
    if plan.total_hours is None:
        return f"A step takes about {plan.step_seconds:.0f} s; how many there are is known once problems are counted."
    cost = "" if plan.cost_usd is None else f", about ${plan.cost_usd:.0f}"
    return f"A step takes about {plan.step_seconds:.0f} s, the run about {plan.total_hours:.1f} h{cost}."


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
    return f"Floor of a training card, with every known saving and the same keys and values: {floors}."


def _assumptions(plan: Plan) -> list[str]:
    workload = plan.workload
    lines = [
        f"{_SOURCES[plan.source]}; the longest prompts and completions that can occur: "
        f"{workload.micro_batch_completions} of {workload.row_tokens} tokens in a micro-batch.",
    ]
    if plan.step_time is None:
        return lines
    parts = {name: seconds for name, seconds in asdict(plan.step_time).items() if seconds >= 0.5}
    lines += [
        f"Seconds of a step: {', '.join(f'{name} {seconds:.0f}' for name, seconds in parts.items())}.",
        f"Time: every step has a completion of full length, their mean is {Lengths().mean_completion_share:.0%} of it; "
        f"{BANDWIDTH_SHARE:.0%} of the card's bandwidth, {COMPUTE_SHARE:.0%} of its bf16 rate.",
    ]
    if plan.card is not None and plan.card.price is not None:
        price = plan.card.price
        lines.append(f"Price: ${price.usd_per_hour:.2f} an hour and card, {price.seen} ({price.source}).")
    return lines


def _subject(plan: Plan) -> str:
    if plan.device == "cpu":
        return "It"
    name = plan.card.name if plan.card else "card"
    return f"The {name}" if len(plan.gpus) == 1 else f"The fullest of the {len(plan.gpus)} x {name}"


def _of_which_memory(plan: Plan) -> str:
    return " of memory (80 % of this machine's)" if plan.device == "cpu" else ""


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
    width = max(len(phase.name) for phase in gpu.phases)
    return [title, *(f"  {phase.name:<{width}}  {_bar(phase.bytes, gpu)} {_gib(phase.bytes)}" for phase in gpu.phases)]


def _bar(size: int, gpu: GpuPlan) -> str:
    """A bar that is full at the card's limit; what goes beyond it is marked."""
    filled = round(_BAR_WIDTH * size / gpu.usable_bytes)
    if filled > _BAR_WIDTH:
        return "[" + "#" * _BAR_WIDTH + ">"
    return "[" + "#" * filled + "." * (_BAR_WIDTH - filled) + "]"


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f}"
