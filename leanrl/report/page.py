"""The page of a run: one self-contained HTML file, and the curves beside it as PNG."""

import re
from collections.abc import Sequence
from pathlib import Path

from leanrl.errors import ConfigError
from leanrl.report.answers import heldout_answers, sampled_completions
from leanrl.report.figures.curves import Curve, health_curves, paper_curves, time_curves
from leanrl.report.figures.grid import figure_grid, memory_grid, smoothing_note
from leanrl.report.figures.logged import logged_curves
from leanrl.report.figures.memory import memory_charts
from leanrl.report.figures.points import points_of
from leanrl.report.funnel.section import run_funnel
from leanrl.report.origin import origin_section
from leanrl.report.plan.section import plan_against_actual
from leanrl.report.problems.section import problem_curves, problems_section
from leanrl.report.rendering import document, fill
from leanrl.report.run_data import RunData, read_run
from leanrl.report.scores.choice import choices_section
from leanrl.report.scores.during import evaluations_section
from leanrl.report.scores.heldout import HeldoutChange, score
from leanrl.report.scores.section import PublishedRow, scores_section
from leanrl.report.sections import dropped_rows, header, overview, phase_table, settings, warnings
from leanrl.report.step_table import step_table
from leanrl.storage.run_folder import RunFolder

_OWN_TITLE = re.compile(r"<title>(?:leanrl · |[^<]* · leanrl<)")
_TITLE_WITHIN = 4096  # bytes of a page


def write_report(
    run: RunFolder,
    *,
    out: Path | None = None,
    published: Sequence[PublishedRow] = (),
    change: HeldoutChange | None = None,
) -> Path:
    """Write index.html and the PNGs of the curves into `out`, by default the run's report folder; return the page.

    `published` are rows to put beside the run's evaluations; `change` is that of its greedy score.

    It works on a run in any state: finished, still going, or killed in the middle of a line.
    """
    data = read_run(run)
    folder = run.report if out is None else out
    drawn = [*paper_curves(data), *health_curves(data), *time_curves(data), *problem_curves(data)]
    _draw_memory(data, folder)
    return write_page(run_page(data, folder=folder, published=published, change=change), drawn, folder)


def run_page(
    data: RunData,
    *,
    folder: Path | None = None,
    live_seconds: int | None = None,
    published: Sequence[PublishedRow] = (),
    change: HeldoutChange | None = None,
) -> str:
    """Return the page of a run that lies in `folder`; with `live_seconds` it looks that often for a newer one."""
    logged = logged_curves(data)
    moving, flat = [curve for curve in logged if not curve.is_flat], [curve for curve in logged if curve.is_flat]
    groups = (paper_curves(data), health_curves(data), time_curves(data), problem_curves(data), logged)
    paper, health, time, problems, _ = groups
    body = fill(
        "run.html",
        header=header(data),
        score=score(data, change),
        scores=scores_section(data, published),
        choices=choices_section(data),
        evaluations=evaluations_section(data),
        overview=overview(data),
        origin=origin_section(data, folder),
        funnel=run_funnel(data),
        warnings=warnings(data),
        note=smoothing_note(len(data.steps)),
        curves=figure_grid(paper) if data.steps else "",
        health=figure_grid(health),
        logged=figure_grid(moving),
        flat=figure_grid(flat),
        num_flat=len(flat),
        steps=step_table([*paper, *health, *moving]),
        time=figure_grid(time),
        phases=phase_table(data),
        plan=plan_against_actual(data),
        memory=memory_grid(memory_charts(data)),
        problems=problems_section(data, figure_grid(problems)),
        heldout=heldout_answers(data),
        completions=sampled_completions(data),
        dropped=dropped_rows(data),
        settings=settings(data),
        points=points_of([data], [curve for group in groups for curve in group]),
    )
    return document(f"{data.name} · leanrl", body, live_seconds=live_seconds)


def write_page(page: str, curves: Sequence[Curve], folder: Path) -> Path:
    """Write a page and a PNG of each curve that has a line; return the path of the page."""
    from leanrl.report.figures.drawing import draw_png

    folder.mkdir(parents=True, exist_ok=True)
    for curve in curves:
        image = folder / f"{curve.slug}.png"
        if curve.series:
            image.write_bytes(draw_png(curve))
        else:
            image.unlink(missing_ok=True)  # an earlier report of this run may have drawn it
    path = folder / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def require_no_other_page(folder: Path) -> None:
    """Refuse a folder with a page that is not leanrl's, or with pictures and no page: some would be written over.

    Raises:
        ConfigError: naming the file.
    """
    page = folder / "index.html"
    if page.is_file():
        head = page.read_bytes()[:_TITLE_WITHIN].decode("utf-8", errors="replace")
        other = None if _OWN_TITLE.search(head) else page
    else:
        other = next(iter(sorted(folder.glob("*.png"))), None)
    if other is not None:
        raise ConfigError(f"{other} is there and is not of a report: nothing is overwritten.", hint="--out NEW_FOLDER")


def _draw_memory(data: RunData, folder: Path) -> None:
    """Write a PNG of every kind of card in the plan."""
    from leanrl.report.figures.memory_drawing import draw_memory_png

    folder.mkdir(parents=True, exist_ok=True)
    for chart in memory_charts(data):
        (folder / f"{chart.slug}.png").write_bytes(draw_memory_png(chart))
