"""The page of a run: one self-contained HTML file, and the curves beside it as PNG."""

from collections.abc import Sequence
from pathlib import Path

from leanrl.report.answers import heldout_answers, sampled_completions
from leanrl.report.figures.curves import Curve, health_curves, paper_curves, smoothing_window, time_curves
from leanrl.report.figures.memory import memory_charts
from leanrl.report.markup import document, section, text
from leanrl.report.plan.section import plan_against_actual
from leanrl.report.problems.section import problem_curves, problems_section
from leanrl.report.run_data import RunData, read_run
from leanrl.report.sections import (
    dropped_rows,
    header,
    phase_table,
    score,
    settings,
    tiles,
    warnings,
)
from leanrl.storage.run_folder import RunFolder


def write_report(run: RunFolder, *, out: Path | None = None) -> Path:
    """Write index.html and the PNGs of the curves into `out`, by default the run's report folder; return the page.

    It works on a run in any state: finished, still going, or killed in the middle of a line.
    """
    data = read_run(run)
    groups = (paper_curves(data), health_curves(data), time_curves(data), problem_curves(data))
    folder = run.report if out is None else out
    page = document(f"{text(data.name)} · leanrl", _body(data, *groups), style=page_style())
    _draw_memory(data, folder)
    return write_page(page, [curve for group in groups for curve in group], folder)


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


def page_style() -> str:
    """Return the style sheet of all pages."""
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def figure_grid(curves: Sequence[Curve]) -> str:
    """Return the curves as figures, each with its title, legend and caption."""
    figures = "".join(_figure(curve) for curve in curves)
    return f'<div class="figures">{figures}</div>' if figures else ""


def smoothing_note(num_steps: int) -> str:
    """Return how the two lines of every figure are to be read."""
    window = smoothing_window(num_steps)
    if window == 1:
        return "Each point is one step."
    return f"Light: each step. Strong: the mean over {window} neighbouring steps."


def _body(
    data: RunData, paper: Sequence[Curve], health: Sequence[Curve], time: Sequence[Curve], problems: Sequence[Curve]
) -> str:
    parts = [header(data), score(data), tiles(data), warnings(data)]
    if data.steps:
        note = smoothing_note(len(data.steps))
        parts += [section("Curves", figure_grid(paper), lead=note), section("Health", figure_grid(health))]
    else:
        parts.append(section("Curves", '<p class="empty">No step has been recorded yet: metrics.jsonl is empty.</p>'))
    parts.append(
        section("Time", f'<div class="pair">{figure_grid(time)}<div>{phase_table(data)}</div></div>' if time else "")
    )
    parts += [plan_against_actual(data), _memory(data), problems_section(data, figure_grid(problems))]
    parts += [heldout_answers(data), sampled_completions(data)]
    parts += [dropped_rows(data), settings(data)]
    return "\n".join(part for part in parts if part)


def _memory(data: RunData) -> str:
    """Return the stacked chart of every kind of card in the plan."""
    from leanrl.report.figures.memory_drawing import component_class, draw_memory_svg

    figures = ""
    for chart in memory_charts(data):
        keys = "".join(
            f'<span><i class="key {component_class(name, number)}"></i>{text(name)}</span>'
            for number, name in enumerate(chart.components)
        )
        figures += (
            f'<figure><h3>{text(chart.title)}</h3><p class="legend">{keys}</p>{draw_memory_svg(chart)}'
            f"<figcaption>{text(chart.caption)}</figcaption></figure>"
        )
    return section("Memory", f'<div class="figures wide">{figures}</div>' if figures else "")


def _draw_memory(data: RunData, folder: Path) -> None:
    """Write a PNG of every kind of card in the plan."""
    from leanrl.report.figures.memory_drawing import draw_memory_png

    folder.mkdir(parents=True, exist_ok=True)
    for chart in memory_charts(data):
        (folder / f"{chart.slug}.png").write_bytes(draw_memory_png(chart))


def _figure(curve: Curve) -> str:
    from leanrl.report.figures.drawing import draw_svg, line_style

    if not curve.series:
        return f'<figure><h3>{text(curve.title)}</h3><p class="empty">{text(curve.absent)}</p></figure>'
    keys = "".join(
        f'<span><i class="key s{line_style(number)[0]}"></i>{text(series.name)}</span>'
        for number, series in enumerate(curve.series)
    )
    legend = f'<p class="legend">{keys}</p>' if len(curve.series) > 1 else ""
    return (
        f"<figure><h3>{text(curve.title)}</h3>{legend}{draw_svg(curve)}"
        f"<figcaption>{text(curve.caption)}</figcaption></figure>"
    )
