"""Several runs on one page: their scores side by side, their curves over each other."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from leanrl.report.figures.curves import Curve, Series, health_curves, paper_curves
from leanrl.report.figures.grid import figure_grid, smoothing_note
from leanrl.report.figures.logged import logged_curves
from leanrl.report.figures.points import points_of
from leanrl.report.page import write_page
from leanrl.report.quantities import count_text, seconds_text, share_text
from leanrl.report.rendering import document, fill
from leanrl.report.run_data import RunData, read_run
from leanrl.storage.run_folder import RunFolder

# A curve of several lines a run would be unreadable with several runs.
_ONE_LINE_A_RUN = 1


def write_comparison(runs: Sequence[RunFolder], out: Path) -> Path:
    """Write index.html and the PNGs of the overlaid curves into `out`; return the page."""
    found = _with_unique_names([read_run(run) for run in runs])
    names = [data.folder_name for data in found]
    drawn = _overlay([[*paper_curves(data), *health_curves(data)] for data in found], names)
    curves = [*drawn, *_overlay([logged_curves(data) for data in found], names)]
    body = fill(
        "comparison.html",
        num_runs=len(found),
        head=_HEAD,
        rows=[_row(data) for data in found],
        note=smoothing_note(max((len(data.steps) for data in found), default=0)),
        curves=figure_grid(curves),
        points=points_of(found, curves, is_comparison=True),
    )
    return write_page(document("leanrl · comparison", body), drawn, out)


_HEAD = ("run", "preset", "status", "steps", "before", "after", "held out", "wall time")


def _row(data: RunData) -> list[str]:
    summary = data.summary
    return [
        data.folder_name,
        data.name,
        data.status,
        count_text(data.steps[-1]["step"] if data.steps else 0),
        share_text(summary.get("greedy_before")),
        share_text(summary.get("greedy_after")),
        count_text(summary.get("num_eval")),
        seconds_text(summary.get("seconds")),
    ]


def _with_unique_names(found: Sequence[RunData]) -> list[RunData]:
    """Number the runs whose folders have the same name."""
    names = [data.folder_name for data in found]
    return [
        data if names.count(data.folder_name) == 1 else replace(data, folder_name=f"{data.folder_name} ({number})")
        for number, data in enumerate(found, start=1)
    ]


def _overlay(curves_of_runs: Sequence[Sequence[Curve]], names: Sequence[str]) -> list[Curve]:
    """Return each curve that any run has, with one line per run, named after the run."""
    by_slug: dict[str, Curve] = {}
    for curves, name in zip(curves_of_runs, names, strict=True):
        for curve in curves:
            if len(curve.series) != _ONE_LINE_A_RUN:
                continue
            line = Series(name, curve.series[0].steps, curve.series[0].values)
            known = by_slug.get(curve.slug) or replace(curve, series=[], best_step=None)
            by_slug[curve.slug] = replace(known, series=[*known.series, line])
    return list(by_slug.values())
