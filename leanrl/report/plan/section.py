"""The part of a run's page, and of its summary, that holds the run against its plan."""

from typing import Any

from markupsafe import Markup

from leanrl.report.plan.against_plan import Compared, compare_memory, compare_seconds, planned_card, worth_a_sentence
from leanrl.report.plan.deviation import deviation_text
from leanrl.report.quantities import NONE, bytes_text, seconds_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData

_HEAD = ("", "predicted", "measured", "measured / predicted")


def plan_against_actual(data: RunData) -> Markup:
    """Return what the plan predicted beside what was measured; nothing where there was no plan."""
    if not data.plan:
        return Markup()
    memory, seconds = compare_memory(data), compare_seconds(data)
    if not memory and not seconds:
        return Markup()
    rows = [_row(one) for one in [*memory, *seconds]]
    notes = _notes(memory, seconds, data)
    return fill("plan.html", head=_HEAD, rows=rows, notes=notes, lead=_lead(data, memory))


def plan_check(data: RunData) -> dict[str, Any]:
    """Return the same for summary.json: memory in bytes, seconds of a step, and a sentence on what is far off."""
    memory, seconds = compare_memory(data), compare_seconds(data)
    return {
        "memory": [one.to_json() for one in memory],
        "memory_source": data.plan.get("actual_source"),
        "seconds": [one.to_json() for one in seconds],
        "notes": _notes(memory, seconds, data),
    }


def _notes(memory: list[Compared], seconds: list[Compared], data: RunData) -> list[str]:
    return [deviation_text(one, data) for one in [*worth_a_sentence(memory), *worth_a_sentence(seconds)]]


def _lead(data: RunData, memory: list[Compared]) -> str:
    parts = []
    card = planned_card(data)
    if memory and card is not None:
        parts.append(f"{bytes_text(card.get('usable_bytes'))} are usable.")
    if data.plan.get("device") == "cpu":
        parts.append("On a CPU the measured peak is the whole process: it counts Python and its libraries as well.")
    if any(one.reserved is not None for one in memory):
        parts.append("Measured bytes: allocated by torch, and what its allocator held for them.")
    parts.append("Seconds: the median over rollouts, without the first one.")
    return " ".join(parts)


def _row(one: Compared) -> list[str]:
    to_text = bytes_text if one.unit == "bytes" else seconds_text
    predicted = to_text(one.planned) if one.at_most is None else f"{to_text(one.planned)} to {to_text(one.at_most)}"
    measured = to_text(one.measured) + ("" if one.reserved is None else f" ({to_text(one.reserved)} held)")
    name = {"step": "a step", "save": "a checkpoint"}.get(one.name, one.name)
    return [name, predicted, measured, NONE if one.ratio is None else f"{one.ratio:.2f}"]
