"""What a run came to, in sentences: the lines that `leanrl train` ends with."""

from collections.abc import Mapping
from typing import Any

from leanrl.report.quantities import bytes_text, count_text, seconds_text, share_text

_MEMORIES = {"rss": "of host memory", "cuda": "on the GPU"}


def outcome_text(summary: Mapping[str, Any]) -> str:
    """Return the content of summary.json as lines for a person; what a run does not have is left out."""
    lines = [_ending(summary), *_scores(summary), *_rows(summary), *_memory(summary), *_against_plan(summary)]
    if summary.get("checkpoint") is not None:
        lines.append(f"Newest checkpoint: {summary['checkpoint']}.")
    if summary.get("best_checkpoint") is not None:
        lines.append(f"Best checkpoint by the evaluations: {summary['best_checkpoint']} (--checkpoint best).")
    warnings = summary.get("warnings") or []
    return "\n".join([*lines, *(f"Warning: {warning}" for warning in warnings)])


def _ending(summary: Mapping[str, Any]) -> str:
    cpu = f", {seconds_text(summary['cpu_seconds'])} of CPU time" if "cpu_seconds" in summary else ""
    steps = count_text(summary.get("steps"))
    how = str(summary.get("status", "ended")).capitalize()
    return f"{how}: {steps} steps of {summary.get('preset', 'a run')} in {seconds_text(summary.get('seconds'))}{cpu}."


def _scores(summary: Mapping[str, Any]) -> list[str]:
    before, after = summary.get("greedy_before"), summary.get("greedy_after")
    if before is None and after is None:
        return []
    asked = f" of {count_text(summary['num_eval'])}" if "num_eval" in summary else ""
    parts = [f"{share_text(before)} before training"] if before is not None else []
    parts += [f"{share_text(after)} after"] if after is not None else []
    return [f"Held-out problems answered right{asked}: {', '.join(parts)}."]


def _rows(summary: Mapping[str, Any]) -> list[str]:
    if "num_train_rows" not in summary:
        return []
    held_out, dropped = summary.get("num_heldout_rows"), summary.get("num_dropped_rows")
    parts = [f"{count_text(summary['num_train_rows'])} to train on"]
    parts += [f"{count_text(held_out)} held out"] if held_out else []
    parts += [f"{count_text(dropped)} dropped (dropped_rows.jsonl)"] if dropped else []
    return [f"Problems: {', '.join(parts)}."]


def _memory(summary: Mapping[str, Any]) -> list[str]:
    peaks = summary.get("peak_bytes") or {}
    parts = [f"{bytes_text(value)} {_MEMORIES.get(name, name)}" for name, value in peaks.items()]
    return [f"Highest memory: {', '.join(parts)}."] if parts else []


def _against_plan(summary: Mapping[str, Any]) -> list[str]:
    """Return the ratios to the plan, and the sentences on what is far from it."""
    found = summary.get("against_plan") or {}
    compared = [one for one in [*found.get("memory", []), *found.get("seconds", [])] if "ratio" in one]
    ratios = ", ".join(f"{one['name']} {one['ratio']:.2f}" for one in compared)
    return [*([f"Measured / planned: {ratios}."] if ratios else []), *found.get("notes", [])]
