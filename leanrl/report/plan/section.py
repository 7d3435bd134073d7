"""The part of a run's page, and of its summary, that holds the run against its plan."""

from typing import Any

from leanrl.report.markup import section, table, text
from leanrl.report.plan.against_plan import Compared, compare_memory, compare_seconds, planned_card, worth_a_sentence
from leanrl.report.plan.deviation import deviation_text
from leanrl.report.quantities import NONE, bytes_text, seconds_text
from leanrl.report.run_data import RunData

_HEAD = ("", "predicted", "measured", "measured / predicted")


def plan_against_actual(data: RunData) -> str:
    """Return what the plan predicted beside what was measured; nothing where there was no plan."""
    if not data.plan:
        return ""
    memory, seconds = compare_memory(data), compare_seconds(data)
    if not memory and not seconds:
        return ""
    notes = "".join(f"<li>{text(note)}</li>" for note in _notes(memory, seconds, data))
    body = table(_HEAD, [_row(one) for one in [*memory, *seconds]]) + (f"<ul>{notes}</ul>" if notes else "")
    return section("Plan against actual", body, lead=_lead(data, memory))


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
    return [text(name), predicted, measured, NONE if one.ratio is None else f"{one.ratio:.2f}"]
