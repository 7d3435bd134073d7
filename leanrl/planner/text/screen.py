"""The first screen of a plan: whether it fits, what it takes and what would make it fit, in at most 12 lines."""

from collections.abc import Sequence

from leanrl.planner.phases import Phase
from leanrl.planner.prediction import GpuPlan, Plan
from leanrl.planner.text.calibration_text import calibration_line
from leanrl.planner.text.part_words import parts_in_words
from leanrl.planner.text.phase_words import PHASE_WORDS
from leanrl.planner.text.time_text import lengths_line, time_line

# `leanrl plan` adds a line about what is missing here and one about --details.
MOST_LINES = 10
_GIB = 2**30
_LABEL_WIDTH = 15
_NUM_PARTS = 3
_VERDICTS = {
    "fits": "it fits.",
    "tight": "it is tight: the tensors fit, but perhaps not with what the driver and fragmentation add.",
    "does_not_fit": "it does not fit.",
}


def first_screen(
    plan: Plan, *, verdict: str | None = None, remedies: Sequence[str] | None = None, notes: Sequence[str] = ()
) -> list[str]:
    """Return the lines of the first screen.

    Args:
        plan: what is shown.
        verdict: what is said behind the run's name; None takes the plan's own verdict.
        remedies: rows in place of the plan's fixes and of what comes nearest.
        notes: rows that belong on the first screen, such as the line of a simulation.
    """
    measured = [] if plan.calibration is None else [row("measured", calibration_line(plan.calibration))]
    is_host_short = plan.host is not None and plan.host.verdict != "fits"
    return _within_limit(
        [
            (f"{plan.preset} on {place(plan)}: {verdict or _VERDICTS[plan.verdict]}", 0),
            *((line, 0) for line in [*_memory_rows(plan), *notes]),
            *((line, rank) for rank, line in zip((0, 3), _time_rows(plan), strict=False)),
            *((line, 0 if is_host_short else 2) for line in _host_rows(plan)),
            *((line, 1) for line in [*measured, *_chosen_rows(plan)]),
            *((line, 0) for line in (remedy_rows(plan) if remedies is None else remedies)),
            *((row("note", note), 4) for note in [plan.base_note] if note is not None),
        ]
    )


def _within_limit(ranked: Sequence[tuple[str, int]]) -> list[str]:
    """Return the lines without those of the highest rank, as far as there are too many; the details have them too."""
    kept = list(ranked)
    while len(kept) > MOST_LINES and any(rank > 0 for _, rank in kept):
        kept.remove(max(kept, key=lambda line: line[1]))
    return [line for line, _ in kept]


def row(label: str, text: str) -> str:
    """Return a line of the first screen: what it is about, and what is said of it."""
    return f"  {label:<{_LABEL_WIDTH}} {text}"


def remedy_rows(plan: Plan) -> list[str]:
    """Return the changes that make the run fit, cheapest first, or what comes nearest."""
    if plan.nearest is not None:
        return [row("nearest", plan.nearest.run), row("way out", plan.nearest.way_out)]
    labels = ["to make it fit", *["or"] * len(plan.offers)]
    return [row(label, fix.line) for label, fix in zip(labels, plan.offers, strict=False)]


def place(plan: Plan) -> str:
    """Return where the run is planned: cards by number and name, or the CPU of this machine."""
    if plan.device == "cpu":
        return "the CPU"
    return f"{len(plan.gpus) * plan.num_nodes} x {plan.card_name}"


def _chosen_rows(plan: Plan) -> list[str]:
    """Return what the plan has chosen for settings that are `auto`; checkpointing is then on."""
    chosen = [f"{key}={value}" for key, value in plan.chosen.items() if key != "train.gradient_checkpointing"]
    layers = f" (of {plan.shape.num_layers} layers)" if "train.kept_layers" in plan.chosen else ""
    return [row("auto takes", ", ".join(chosen) + layers)] if chosen else []


def _memory_rows(plan: Plan) -> list[str]:
    worst = plan.worst
    return [
        row("needed", f"{_gib(worst.peak.bytes)} GiB for tensors at the fullest moment{_of_which_card(plan, worst)}"),
        row("upper estimate", f"{_gib(worst.upper_bytes)} GiB {_added(plan)}, of {_limit(plan, worst)}"),
        row("fullest phase", f"{PHASE_WORDS[worst.peak.name]}: {_largest_parts(worst.peak)}"),
    ]


def _of_which_card(plan: Plan, worst: GpuPlan) -> str:
    if len({gpu.role for gpu in plan.gpus}) == 1:
        return ""
    return f" of the card that {'generates' if worst.role == 'rollout' else 'trains'}"


def _added(plan: Plan) -> str:
    return f"with {'the process' if plan.device == 'cpu' else 'the CUDA context'} and fragmentation"


def _limit(plan: Plan, worst: GpuPlan) -> str:
    size = f"{_gib(worst.usable_bytes)} GiB"
    return f"{size} (80 % of this machine's memory)" if plan.device == "cpu" else f"the card's {size}"


def _largest_parts(phase: Phase) -> str:
    return ", ".join(f"{name} {_gib(size)}" for name, size, _ in parts_in_words(phase)[:_NUM_PARTS]) + " GiB"


def _time_rows(plan: Plan) -> list[str]:
    if plan.verdict == "does_not_fit":
        return []
    lengths = [] if plan.step_seconds is None else [row("lengths", lengths_line(plan))]
    return [row("time", time_line(plan)), *lengths]


def _host_rows(plan: Plan) -> list[str]:
    return [] if plan.host is None else [row("host memory", plan.host.short_sentence)]


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f}"
