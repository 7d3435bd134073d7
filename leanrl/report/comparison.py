"""Several runs on one page: their scores side by side, their curves over each other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from leanrl.config.catalog import diff_configs
from leanrl.config.load import load_config
from leanrl.errors import LeanRLError
from leanrl.report.figures.curves import Curve, Series, health_curves, paper_curves
from leanrl.report.figures.grid import figure_grid, smoothing_note
from leanrl.report.figures.logged import logged_curves
from leanrl.report.figures.points import points_of
from leanrl.report.origin import value_text
from leanrl.report.page import write_page
from leanrl.report.quantities import count_text, seconds_text, share_text
from leanrl.report.rendering import document, fill
from leanrl.report.run_data import RunData, read_run
from leanrl.storage.run_folder import RunFolder, read_json_if_whole

# A curve of several lines a run would be unreadable with several runs.
_ONE_LINE_A_RUN = 1
_FINGERPRINTS = {"problems (hash)": ("data", "sha256"), "base model (hash)": ("model", "weights")}
_SHOWN_DIGITS = 8


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
        differing_head=["key", *names],
        differing=_differing(found),
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


def _differing(found: Sequence[RunData]) -> list[list[str]]:
    """Return the keys whose values are not the same in all runs, and whether their problems and base models are."""
    rows = _hashes(found)
    try:
        configs = [load_config(RunFolder(data.path).config).config for data in found if data.path is not None]
    except LeanRLError:  # a page of what can be read is better than none; each run's own page names what is broken
        return rows
    if len(configs) < len(found):
        return rows
    first, *others = configs
    by_key: dict[str, list[object]] = {}
    for place, other in enumerate(others, start=1):
        for each in diff_configs(first, other):
            by_key.setdefault(each.key, [each.left] * len(found))[place] = each.right
    return [*rows, *([key, *map(value_text, values)] for key, values in by_key.items())]


def _hashes(found: Sequence[RunData]) -> list[list[str]]:
    prints = [{} if data.path is None else read_json_if_whole(RunFolder(data.path).fingerprints) for data in found]
    rows = []
    for title, keys in _FINGERPRINTS.items():
        values = [_at(each, keys) for each in prints]
        if len(set(values)) > 1:
            rows.append([title, *(value[:_SHOWN_DIGITS] or "–" for value in values)])
    return rows


def _at(tree: object, keys: Sequence[str]) -> str:
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree if isinstance(tree, str) else ""


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
