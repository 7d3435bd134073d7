"""The memory of a run drawn: a bar for each phase, stacked by component, with the limit and the measured peaks."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from leanrl.report.figures.drawing import (
    INK,
    MUTED,
    SERIES_COLOURS,
    legend_columns,
    put_legend,
    put_title,
    render_png,
    render_svg,
    set_off,
)
from leanrl.report.figures.memory import OTHER, MemoryChart

_GIB = 2**30
_ROW_INCHES, _FRAME_INCHES = 0.3, 0.6
_BAR_HEIGHT = 0.62
_LIMIT, _ALLOCATED, _RESERVED = "limit", "measured", "held by the allocator"


def draw_memory_svg(chart: MemoryChart) -> str:
    """Return the chart as an <svg> element for a page; its title and legend are text of the page."""
    return render_svg(
        lambda figure: _draw(figure.add_subplot(), chart),
        slug=chart.slug,
        label=f"{chart.title}. {chart.caption}",
        height_inches=_height(chart),
    )


def draw_memory_png(chart: MemoryChart) -> bytes:
    """Return the chart as a PNG on white, with its title, and a legend below."""
    limit = [] if chart.limit_bytes is None or chart.is_limit_far else [_LIMIT]
    names = [*chart.components, *limit, *((_ALLOCATED, _RESERVED) if chart.is_measured else ())]
    columns, legend_inches = legend_columns(names)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        _draw(axes, chart)
        put_title(axes, chart.title)
        put_legend(figure, columns=columns)

    return render_png(draw, height_inches=_height(chart) + legend_inches)


def component_class(name: str, number: int) -> str:
    """Return the class of a component's key on the page; `number` counts from 0."""
    return "other" if name == OTHER else f"s{number + 1}"


def _height(chart: MemoryChart) -> float:
    return _FRAME_INCHES + _ROW_INCHES * len(chart.phases)


def _draw(axes: Axes, chart: MemoryChart) -> None:
    places = range(len(chart.phases))
    left = [0.0] * len(chart.phases)
    for number, (name, sizes) in enumerate(chart.components.items()):
        widths = [size / _GIB for size in sizes]
        colour = MUTED if name == OTHER else SERIES_COLOURS[number]
        axes.barh(places, widths, _BAR_HEIGHT, left=left, color=colour, label=name, alpha=0.5 if name == OTHER else 1.0)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    if chart.limit_bytes is not None and not chart.is_limit_far:
        axes.axvline(chart.limit_bytes / _GIB, color=INK, linewidth=1.0, linestyle="--", label=_LIMIT)
    _draw_peaks(axes, chart)
    axes.set_yticks(places, [name.replace("_", " ") for name in chart.phases])
    axes.set_ylim(len(chart.phases) - 0.4, -0.6)
    axes.set_xlim(left=0.0)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    set_off(axes, baseline="left", label="GiB")


def _draw_peaks(axes: Axes, chart: MemoryChart) -> None:
    """Mark measured peaks: filled what tensors took, hollow what the allocator held for them."""
    for values, label, face in ((chart.allocated, _ALLOCATED, INK), (chart.reserved, _RESERVED, "none")):
        marked = [(value / _GIB, place) for place, value in enumerate(values) if value is not None]
        if marked:
            across, down = zip(*marked, strict=True)
            axes.plot(
                across, down, "D", color=INK, markerfacecolor=face, markersize=4.5, mew=0.9, linestyle="", label=label
            )
