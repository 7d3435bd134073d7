"""A figure drawn by matplotlib: a curve as PNG that stands alone, and the frame of the memory charts."""

import io
import math
import re
from collections.abc import Callable, Sequence
from typing import Literal

from markupsafe import escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from leanrl.report.figures.axis import tick_text, value_axis
from leanrl.report.figures.chart import line_style, present
from leanrl.report.figures.curves import Curve, smooth, smoothing_window

# 310 by 187 points: about the width of a figure on the page, on a phone as on a screen.
_WIDTH_INCHES, _HEIGHT_INCHES = 4.3, 2.6
_PNG_DOTS_PER_INCH = 200
# Of a PNG with text of 7 points: a line of its legend holds 75 characters, and a key with its gaps takes 9 of them.
_TITLE_INCHES, _LEGEND_ROW_INCHES = 0.25, 0.16
_LEGEND_CHARACTERS, _KEY_CHARACTERS = 75, 9
_FEW_STEPS = 40

# The light palette of page.css; its order is that of --series-1 to --series-8 there.
SERIES_COLOURS = ("#1f6f78", "#c2643a", "#5a5fa8", "#8f7a1f", "#8c3f6b", "#4f7f3f", "#7a6a5a", "#3f6fb0")
INK, MUTED, GRID = "#23282d", "#6b7178", "#e4e1da"
_PAGE_COLOURS = {
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES_COLOURS, start=1)},
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--rule)",
}
_DASHES = {"": "-", "7 4": "--", "2 3": ":", "9 3 2 3": "-."}


def draw_png(curve: Curve) -> bytes:
    """Return the curve as a PNG on white, with its title and, for several lines, a legend below."""
    has_legend = len(curve.series) > 1
    columns, legend_inches = legend_columns([each.name for each in curve.series] if has_legend else [])

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _draw_lines(axes, curve)
        put_title(axes, curve.title)
        if has_legend:
            put_legend(figure, columns=columns)

    return render_png(draw, height_inches=_HEIGHT_INCHES + legend_inches)


def render_svg(draw: Callable[[Figure], None], *, slug: str, label: str, height_inches: float) -> str:
    """Return what `draw` puts on a figure as an <svg> element for a page; `slug` keeps its ids its own."""
    settings = {"svg.fonttype": "none", "svg.hashsalt": slug, "font.size": 9.0}
    with rc_context(settings):
        figure = Figure(figsize=(_WIDTH_INCHES, height_inches), layout="constrained")
        draw(figure)
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return _adapt_to_page(buffer.getvalue(), label)


def render_png(draw: Callable[[Figure], None], *, height_inches: float) -> bytes:
    """Return what `draw` puts on a figure as a PNG on white, with room for a title."""
    with rc_context({"font.size": 8.0}):
        figure = Figure(figsize=(_WIDTH_INCHES, height_inches + _TITLE_INCHES), layout="constrained")
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=_PNG_DOTS_PER_INCH, facecolor="white")
    return buffer.getvalue()


def legend_columns(names: Sequence[str]) -> tuple[int, float]:
    """Return the columns of a PNG's legend, and the inches that it takes."""
    columns = max(1, _LEGEND_CHARACTERS // (_KEY_CHARACTERS + max(map(len, names), default=1)))
    return columns, math.ceil(len(names) / columns) * _LEGEND_ROW_INCHES


def set_off(axes: Axes, *, baseline: Literal["bottom", "left"], label: str) -> None:
    """Draw one spine, where values start, with faint lines along it, and name what the x axis has."""
    axes.grid(axis="y" if baseline == "bottom" else "x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "bottom", "left"]].set_visible(False)
    axes.spines[baseline].set(visible=True, color=MUTED)
    axes.tick_params(colors=MUTED, length=0, pad=5)
    axes.set_xlabel(label, color=MUTED, labelpad=2)


def put_title(axes: Axes, title: str) -> None:
    """Put a PNG's title above its axes."""
    axes.set_title(title, loc="left", fontsize=10, color=INK, pad=8)


def put_legend(figure: Figure, *, columns: int) -> None:
    """Put a PNG's legend below its axes, in as many columns as `legend_columns` gave."""
    figure.legend(loc="outside lower left", ncols=columns, frameon=False, fontsize=7, labelcolor=MUTED)


def _draw_lines(axes: Axes, curve: Curve) -> None:
    window = smoothing_window(max((len(series.steps) for series in curve.series), default=0))
    for number, series in enumerate(curve.series):
        colour_number, dashes = line_style(number)
        colour = SERIES_COLOURS[colour_number - 1]
        marker = "o" if len(series.steps) <= _FEW_STEPS else ""
        points = present(series)
        steps, values = [step for step, _ in points], [value for _, value in points]
        axes.plot(steps, values, color=colour, linewidth=0.8, alpha=0.35, marker=marker, markersize=2.6, mew=0)
        strong = smooth(values, window=window)
        axes.plot(
            steps, strong, _DASHES[dashes], color=colour, linewidth=1.7, label=series.name, solid_capstyle="round"
        )
    axis = value_axis(curve)
    axes.set_ylim(axis.low, axis.high + 0.03 * (axis.high - axis.low))
    axes.set_yticks(axis.ticks, [tick_text(tick, curve.unit) for tick in axis.ticks])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    set_off(axes, baseline="bottom", label="step")


def _adapt_to_page(document: str, label: str) -> str:
    """Cut what only a file needs (prolog, size, metadata) and let the page choose colours and font."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r"font-family: [^;\"]*;", "", svg)
    # matplotlib numbers the groups of each figure from 1, but an id must be there once in a page; none is used.
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    for colour, variable in _PAGE_COLOURS.items():
        svg = svg.replace(colour, variable)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(label)}" ', 1).strip()
