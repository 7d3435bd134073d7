"""The sections of a run's page that tell in words and numbers how the run went."""

import json
import statistics

from markupsafe import Markup

from leanrl.report.figures.curves import phase_names
from leanrl.report.quantities import bytes_text, count_text, number_text, seconds_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData, part

_ROWS_SHOWN = 20
_OTHER = "other"


def header(data: RunData) -> Markup:
    """Return the title with preset, status and what was trained."""
    return fill(
        "header.html",
        folder_name=data.folder_name,
        name=data.name,
        status=data.status,
        kind={"finished": "good", "stopped": "bad"}.get(data.status, "open"),
        about=data.setting("about"),
        trained=[data.setting("model.id"), _method(data)],
    )


def overview(data: RunData) -> Markup:
    """Return the facts of the run in one glance."""
    summary = data.summary
    step_seconds = [part(record, group="seconds", name="step") for record in data.steps]
    known = [value for value in step_seconds if isinstance(value, int | float)]
    max_steps = data.setting("train.max_steps")
    num_steps = data.steps[-1]["step"] if data.steps else 0
    pairs = [
        ("Steps", f"{count_text(num_steps)} of {count_text(max_steps)}" if max_steps else count_text(num_steps)),
        ("Wall time", seconds_text(summary.get("seconds") or (sum(known) if known else None))),
        ("CPU time", seconds_text(summary.get("cpu_seconds"))),
        ("A step, median", seconds_text(statistics.median(known) if known else None)),
        ("Peak memory", _peaks(data)),
        ("Completions a step", _completions_a_step(data)),
        ("Learning rate", number_text(data.setting("optimizer.learning_rate"))),
        ("Seed", count_text(data.setting("train.seed"))),
        ("Problems trained on", count_text(summary.get("num_train_rows"))),
        ("Problems held out", count_text(summary.get("num_heldout_rows"))),
        ("Rows dropped", count_text(summary.get("num_dropped_rows", len(data.dropped)))),
        ("Last checkpoint", str(summary.get("checkpoint") or "none")),
    ]
    return fill("overview.html", pairs=pairs)


def warnings(data: RunData) -> Markup:
    """Return what the run warned of, and what of its folder could not be read."""
    found = [*(data.summary.get("warnings") or []), *data.notes]
    return fill("warnings.html", warnings=found) if found else Markup()


def phase_table(data: RunData) -> Markup:
    """Return how the time of all steps was spent, in the colours of the curve; nothing where it was not recorded."""
    totals = _phase_seconds(data)
    whole = sum(totals.values())
    if whole <= 0:
        return Markup()
    phases = [
        {
            "name": name,
            "seconds": seconds,
            "share": seconds / whole,
            "colour": _OTHER if name == _OTHER else f"s{number}",
        }
        for number, (name, seconds) in enumerate(totals.items(), start=1)
    ]
    return fill("phases.html", phases=phases)


def dropped_rows(data: RunData) -> Markup:
    """Return the rows that were not trained on, each with its place and reason."""
    if not data.dropped:
        return Markup()
    rows = [[row.get("where", ""), row.get("reason", "")] for row in data.dropped[:_ROWS_SHOWN]]
    title = f"{count_text(len(data.dropped))} {'row' if len(data.dropped) == 1 else 'rows'} could not be used"
    return fill("dropped.html", title=title, rows=rows, more=len(data.dropped) - len(rows))


def settings(data: RunData) -> Markup:
    """Return the resolved config and the versions, folded."""
    records = [
        (title, json.dumps(record, indent=2, ensure_ascii=False))
        for title, record in (("Resolved config", data.config), ("Versions and machine", data.env))
        if record
    ]
    return fill("settings.html", records=records) if records else Markup()


def _method(data: RunData) -> str:
    names = {"full": "all weights", "lora": "LoRA", "qlora": "QLoRA"}
    method = data.setting("model.tuning.method")
    rank = f" of rank {data.setting('model.tuning.rank')}" if method in ("lora", "qlora") else ""
    return f"{names.get(method, method or '')}{rank}"


def _peaks(data: RunData) -> str:
    peaks = data.summary.get("peak_bytes") or (data.steps[-1].get("peak_bytes") if data.steps else None) or {}
    if not isinstance(peaks, dict) or not peaks:
        return bytes_text(data.summary.get("peak_rss_bytes"))
    names = {"rss": "host", "cuda": "GPU"}
    return " · ".join(f"{bytes_text(value)} {names.get(name, name)}" for name, value in sorted(peaks.items()))


def _completions_a_step(data: RunData) -> str:
    num_prompts, num_completions = data.setting("train.num_prompts"), data.setting("train.num_completions")
    if not isinstance(num_prompts, int) or not isinstance(num_completions, int):
        return count_text(None)
    return f"{num_prompts * num_completions} ({num_prompts} prompts × {num_completions})"


def _phase_seconds(data: RunData) -> dict[str, float]:
    """Return the seconds of each phase over all steps; `other` is what no phase claims."""
    totals = {name: _total_seconds(data, name) for name in phase_names(data)}
    return totals | {_OTHER: max(0.0, _total_seconds(data, "step") - sum(totals.values()))}


def _total_seconds(data: RunData, name: str) -> float:
    found = [part(record, group="seconds", name=name) for record in data.steps]
    return sum(seconds for seconds in found if isinstance(seconds, int | float))
