"""The sections of a run's page that tell in words and numbers how the run went."""

import json
import statistics
from typing import Any

from leanrl.report.figures.curves import phase_names
from leanrl.report.markup import facts, fold, section, table, text
from leanrl.report.quantities import bytes_text, count_text, number_text, seconds_text, share_text
from leanrl.report.run_data import RunData, part

_ROWS_SHOWN = 20
_OTHER = "other"


def header(data: RunData) -> str:
    """Return the title with preset, status and what was trained."""
    kind = {"finished": "good", "stopped": "bad"}.get(data.status, "open")
    about = data.setting("about")
    trained = [data.setting("model.id"), _method(data)]
    lines = [f'<p class="lead">{text(about)}</p>'] if about else []
    lines.append(f'<p class="trained">{" · ".join(text(part) for part in trained if part)}</p>')
    return (
        f'<header><p class="eyebrow">leanrl run <span>{text(data.folder_name)}</span></p>'
        f'<h1>{text(data.name)} <span class="pill {kind}">{text(data.status)}</span></h1>{"".join(lines)}</header>'
    )


def score(data: RunData) -> str:
    """Return the greedy scores before and after, the one result that a reader looks for; nothing if none was taken."""
    before, after = data.summary.get("greedy_before"), data.summary.get("greedy_after")
    if not isinstance(before, int | float):
        return ""
    num_eval = data.summary.get("num_eval")
    bars = _score_bar("before", before, num_eval)
    if isinstance(after, int | float):
        bars += _score_bar("after", after, num_eval)
        change = f"{100 * (after - before):+.0f}".replace("-", "−")
        verdict = f'<p class="change"><strong>{change}</strong> points</p>'
    else:
        verdict = '<p class="change">the score after training is taken when the run ends</p>'
    title = "Held-out problems answered right, taking the likeliest token each time"
    return f'<section class="score"><h2>{title}</h2><div class="bars">{bars}</div>{verdict}</section>'


def tiles(data: RunData) -> str:
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
        ("Last checkpoint", text(summary.get("checkpoint") or "none")),
    ]
    return section("The run", facts(pairs))


def warnings(data: RunData) -> str:
    """Return what the run warned of, and what of its folder could not be read."""
    found = [*(data.summary.get("warnings") or []), *data.notes]
    items = "".join(f"<li>{text(warning)}</li>" for warning in found)
    return section("Warnings", f'<ul class="warnings">{items}</ul>' if items else "")


def phase_table(data: RunData) -> str:
    """Return how the time of all steps was spent, in the colours of the curve; nothing where it was not recorded."""
    totals = _phase_seconds(data)
    whole = sum(totals.values())
    if whole <= 0:
        return ""
    colours = {name: _OTHER if name == _OTHER else f"s{number}" for number, name in enumerate(totals, start=1)}
    bar = "".join(
        f'<span class="{colours[name]}" style="flex-grow:{seconds / whole:.4f}"></span>'
        for name, seconds in totals.items()
    )
    rows = [
        [f'<i class="key {colours[name]}"></i>{text(name)}', seconds_text(seconds), share_text(seconds / whole)]
        for name, seconds in totals.items()
    ]
    return f'<div class="stack" aria-hidden="true">{bar}</div>' + table(["phase", "all steps", "share"], rows)


def dropped_rows(data: RunData) -> str:
    """Return the rows that were not trained on, each with its place and reason."""
    if not data.dropped:
        return ""
    rows = [[text(row.get("where", "")), text(row.get("reason", ""))] for row in data.dropped[:_ROWS_SHOWN]]
    more = len(data.dropped) - len(rows)
    rest = f'<p class="lead">and {count_text(more)} more in dropped_rows.jsonl</p>' if more else ""
    title = f"{count_text(len(data.dropped))} {'row' if len(data.dropped) == 1 else 'rows'} could not be used"
    return section("Dropped rows", fold(title, table(["where", "why"], rows) + rest))


def settings(data: RunData) -> str:
    """Return the resolved config and the versions, folded."""
    folds = [
        fold(text(title), f"<pre>{text(json.dumps(record, indent=2, ensure_ascii=False))}</pre>")
        for title, record in (("Resolved config", data.config), ("Versions and machine", data.env))
        if record
    ]
    return section("How it was run", "".join(folds))


def _method(data: RunData) -> str:
    names = {"full": "all weights", "lora": "LoRA", "qlora": "QLoRA"}
    method = data.setting("model.tuning.method")
    rank = f" of rank {data.setting('model.tuning.rank')}" if method in ("lora", "qlora") else ""
    return f"{names.get(method, method or '')}{rank}"


def _score_bar(name: str, value: float, num_eval: Any) -> str:
    count = f"{round(value * num_eval)} of {num_eval}" if isinstance(num_eval, int) else ""
    width = f"{100 * min(max(value, 0.0), 1.0):.1f}%"
    return (
        f'<div class="bar {name}"><span>{name}</span><div><i style="width:{width}"></i></div>'
        f"<b>{share_text(value)}</b><small>{count}</small></div>"
    )


def _peaks(data: RunData) -> str:
    peaks = data.summary.get("peak_bytes") or (data.steps[-1].get("peak_bytes") if data.steps else None) or {}
    if not isinstance(peaks, dict) or not peaks:
        return bytes_text(data.summary.get("peak_rss_bytes"))
    names = {"rss": "host", "cuda": "GPU"}
    return " · ".join(f"{bytes_text(value)} {text(names.get(name, name))}" for name, value in sorted(peaks.items()))


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
