"""Curves as figures of a page, each with title, legend, chart and caption."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from leanrl.report.figures.axis import value_axis
from leanrl.report.figures.chart import draw_svg, line_style
from leanrl.report.figures.curves import Curve, smoothing_window
from leanrl.report.figures.memory import MemoryChart
from leanrl.report.rendering import fill


@dataclass(frozen=True)
class _Figure:
    curve: Curve
    chart: Markup | None
    keys: list[tuple[int, str]]
    note: str


def figure_grid(curves: Sequence[Curve]) -> Markup:
    """Return the curves as figures; nothing without one."""
    return fill("figures.html", figures=[_figure(curve) for curve in curves]) if curves else Markup()


def memory_grid(charts: Sequence[MemoryChart]) -> Markup:
    """Return the stacked chart of every kind of card in the plan."""
    if not charts:
        return Markup()
    from leanrl.report.figures.memory_drawing import component_class, draw_memory_svg

    figures = [
        {
            "chart": chart,
            "svg": Markup(draw_memory_svg(chart)),
            "legend": [(component_class(name, number), name) for number, name in enumerate(chart.components)],
        }
        for chart in charts
    ]
    return fill("memory.html", figures=figures)


def smoothing_note(num_steps: int) -> str:
    """Return how the two lines of every figure are to be read."""
    window = smoothing_window(num_steps)
    if window == 1:
        return "Each point is one step."
    return f"Light: each step. Strong: the mean over {window} neighbouring steps."


def _figure(curve: Curve) -> _Figure:
    if not curve.series:
        return _Figure(curve, None, [], "")
    keys = [(line_style(number)[0], series.name) for number, series in enumerate(curve.series)]
    return _Figure(curve, draw_svg(curve), keys, value_axis(curve).note)
