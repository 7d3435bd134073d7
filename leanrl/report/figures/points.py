"""The values of all curves for the script of the page, with which it zooms, smooths and answers the pointer."""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from leanrl.report.figures.chart import line_style
from leanrl.report.figures.curves import Curve, smoothing_window
from leanrl.report.figures.logged import number_at
from leanrl.report.run_data import RunData

_DIGITS = 6


def points_of(runs: Sequence[RunData], curves: Sequence[Curve], *, is_comparison: bool = False) -> dict[str, Any]:
    """Return what charts.js reads: steps, seconds and tokens of each run, and the lines of each curve by its slug.

    In a comparison the line at place n of a run is found by its name, which is that of the run.
    """
    places = {data.folder_name: number for number, data in enumerate(runs)} if is_comparison else {}
    return {
        "window": smoothing_window(max((len(data.steps) for data in runs), default=0)),
        "runs": [_clocks(data) for data in runs],
        "curves": {curve.slug: _curve(curve, runs, places) for curve in curves if curve.series},
    }


def _clocks(data: RunData) -> dict[str, Any]:
    """Return where each step lies on the three scales of the horizontal axis; seconds count from the first step."""
    seconds = [number_at(record, ("seconds", "step")) for record in data.steps]
    tokens = [number_at(record, ("num_tokens",)) for record in data.steps]
    return {
        "step": [record["step"] for record in data.steps],
        "seconds": [_rounded(value) for value in accumulate(0.0 if math.isnan(value) else value for value in seconds)],
        "tokens": [_rounded(value) for value in tokens],
    }


def _curve(curve: Curve, runs: Sequence[RunData], places: dict[str, int]) -> dict[str, Any]:
    lines = []
    for number, series in enumerate(curve.series):
        colour, dashes = line_style(number)
        run = places.get(series.name, 0)
        line = {"name": series.name, "run": run, "colour": colour, "dashes": dashes}
        line["values"] = [_rounded(value) for value in series.values]
        if series.steps != [record["step"] for record in runs[run].steps]:
            line["steps"] = series.steps
        lines.append(line)
    return {
        "unit": curve.unit,
        "best": curve.best_step,
        "thresholds": [[each.value, each.meaning] for each in curve.thresholds],
        "lines": lines,
    }


def _rounded(value: float) -> float | int | None:
    """Return a value with six digits, whole ones without a point; None for one that is absent."""
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short
