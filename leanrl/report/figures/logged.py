"""The curves of everything else that a step logged, known to leanrl or not."""

import math
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from leanrl.report.figures.curves import Curve, Series, line_of, plain_curve
from leanrl.report.figures.lines import HEALTH_LINES, OTHER_LINES, Unit
from leanrl.report.run_data import Record, RunData

# What other figures draw, by the first name of its place in a record.
_DRAWN = {"step", "reward", "rewards", "kl", "verdicts", "seconds", "eval"} | {
    line.metric for line in (*HEALTH_LINES, *OTHER_LINES)
}
_MEASURES: tuple[Unit, ...] = ("share", "tokens", "seconds", "bytes")
_GROUPS = {
    "completion_tokens": ("Shortest and longest completion", "Tokens of the shortest, mean and longest completion."),
    "peak_bytes": ("Peak memory", "The highest memory of the run so far."),
    "phase_peak_bytes": ("Peak memory of the phases", "The highest memory of each phase of the step."),
    "rollout_mismatch": ("Rollout mismatch", "How far the rollout engine is from the trainer (docs/rollouts.md)."),
    "reward_metrics": ("Metric of a reward", "What a reward of this run logged itself."),
}


def logged_curves(data: RunData) -> list[Curve]:
    """Return a curve for every number of metrics.jsonl that no other figure shows, the best known ones first."""
    known = [plain_curve(data, line) for line in OTHER_LINES]
    curves = [*known[:3], *_throughput(data), *known[3:], *_unknown(data)]
    return [curve for curve in curves if curve.series]


def _throughput(data: RunData) -> list[Curve]:
    """Return the tokens of each step over its seconds; num_tokens counts from the start of the run."""
    totals = [number_at(record, ("num_tokens",)) for record in data.steps]
    seconds = [number_at(record, ("seconds", "step")) for record in data.steps]
    earlier = [0.0 if data.steps and data.steps[0]["step"] == 1 else math.nan, *totals[:-1]]
    values = [
        (total - before) / spent if spent > 0 else math.nan
        for total, before, spent in zip(totals, earlier, seconds, strict=False)
    ]
    if all(map(math.isnan, values)):
        return []
    line = Series("tokens a second", [record["step"] for record in data.steps], values)
    caption = "Prompt and completion tokens of a step over its seconds."
    return [Curve("tokens_per_second", "Throughput", caption, "number", [line])]


def _unknown(data: RunData) -> Iterator[Curve]:
    """Yield a curve for each number that no table names; numbers of a group that have one unit share a figure."""
    figures: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for place in _places(data):
        unit = _unit(place[0])
        figures.setdefault(place[:1] if unit != "number" else place, []).append(place)
    for figure, places in figures.items():
        title, caption = _GROUPS.get(figure[0], (_words(figure[-1]), f"`{'.'.join(figure)}` of metrics.jsonl."))
        if len(figure) > 1:
            title = f"{title}: {_words(' '.join(figure[1:])).lower()}"
        lines = [
            series
            for place in places
            for series in line_of(data, " ".join(place[1:]) or place[0], partial(number_at, place=place))
        ]
        yield Curve(re.sub(r"\W+", "_", "_".join(figure)), title, caption, _unit(figure[0]), lines)


def _places(data: RunData) -> list[tuple[str, ...]]:
    found = (place for record in data.steps for place in _numbers_in(record, ()))
    return [place for place in dict.fromkeys(found) if place[0] not in _DRAWN]


def _numbers_in(record: Record, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in record.items():
        place = (*above, str(name))
        if isinstance(value, Mapping):
            yield from _numbers_in(value, place)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield place


def number_at(record: Record, place: tuple[str, ...]) -> float:
    """Return the number at a place in a record, or NaN."""
    value: Any = record
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else math.nan


def _unit(name: str) -> Unit:
    for unit in _MEASURES:
        if name.endswith(unit):
            return unit
    return "number"


def _words(name: str) -> str:
    words = name.replace("_", " ").replace("/", " ")
    return words[:1].upper() + words[1:]
