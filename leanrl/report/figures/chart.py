"""A curve as an SVG of the page: it takes its colours and its font from there, and needs no script."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from leanrl.report.figures.axis import Axis, step_ticks, tick_text, value_axis
from leanrl.report.figures.curves import Curve, Series, smooth, smoothing_window
from leanrl.report.rendering import fill

# charts.js draws on the same field: the two must agree.
WIDTH, HEIGHT = 340, 212
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 332, 18, 174
_COLOURS = 8
_DASHES = ("", "7 4", "2 3", "9 3 2 3")
_FEW_STEPS = 40
_MOST_POINTS = 600

Point = tuple[float, float]
Place = Callable[[float], float]


@dataclass(frozen=True)
class _Line:
    """One line on the field: each step, and smoothed."""

    colour: int
    dashes: str
    raw: list[Point]
    strong: list[Point]
    dots: list[Point]


def line_style(number: int) -> tuple[int, str]:
    """Return the colour's number in the palette, from 1, and the dashes of the line at place `number`, from 0."""
    turn, place = divmod(number, _COLOURS)
    return place + 1, _DASHES[turn % len(_DASHES)]


def draw_svg(curve: Curve) -> Markup:
    """Return the curve as an <svg> element for a page that defines --ink, --muted, --rule and --series-N.

    It has no title and no legend: those are text of the page. Its accessible name says what it shows.
    """
    axis = value_axis(curve)
    steps = [step for series in curve.series for step in series.steps]
    first, last = min(steps, default=0), max(steps, default=0)

    def across(step: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * ((step - first) / (last - first) if last > first else 0.5)

    def down(value: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * axis.share_of(value)

    lines = [_line(number, series, across, down) for number, series in enumerate(curve.series)]
    return fill(
        "chart.svg",
        width=WIDTH,
        height=HEIGHT,
        field=(_LEFT, _RIGHT, _TOP, _BOTTOM),
        label=describe(curve),
        rows=[(down(tick), tick_text(tick, curve.unit)) for tick in axis.ticks],
        columns=[(across(step), f"{step:,}") for step in step_ticks(first, last)],
        thresholds=[(down(each.value), each.meaning) for each in curve.thresholds if _is_on(axis, each.value)],
        best=None if curve.best_step is None else across(curve.best_step),
        lines=lines,
    )


def describe(curve: Curve) -> str:
    """Return what a figure shows in one sentence, for those who do not see it."""
    parts = []
    for series in curve.series:
        points = present(series)
        if points:
            values = [value for _, value in points]
            ends = " to ".join(tick_text(float(f"{value:.3g}"), curve.unit) for value in (values[0], values[-1]))
            parts.append(f"{series.name} goes from {ends} between steps {points[0][0]:,} and {points[-1][0]:,}")
    best = "" if curve.best_step is None else f"; best at step {curve.best_step:,}"
    return f"{curve.title}: {'; '.join(parts)}{best}."


def _line(number: int, series: Series, across: Place, down: Place) -> _Line:
    colour, dashes = line_style(number)
    points = present(series)
    smoothed = smooth([value for _, value in points], window=smoothing_window(len(series.steps)))
    raw = [(across(step), down(value)) for step, value in points]
    strong = [(across(step), down(value)) for (step, _), value in zip(points, smoothed, strict=True)]
    return _Line(colour, dashes, _thin(raw), _thin(strong), raw if len(raw) <= _FEW_STEPS else [])


def _thin(points: Sequence[Point]) -> list[Point]:
    """Return at most about `_MOST_POINTS` points: the lowest and the highest of every stretch, and both ends."""
    if len(points) <= _MOST_POINTS:
        return list(points)
    stretch = 2 * len(points) // _MOST_POINTS + 1
    kept = {0, len(points) - 1}
    for start in range(0, len(points), stretch):
        places = range(start, min(start + stretch, len(points)))
        kept |= {min(places, key=lambda place: points[place][1]), max(places, key=lambda place: points[place][1])}
    return [points[place] for place in sorted(kept)]


def present(series: Series) -> list[tuple[int, float]]:
    """Return the points that have a value: rewards have none in steps that reuse a rollout, and one line all the same.

    A line with gaps would show nothing where every second value is missing.
    """
    return [(step, value) for step, value in zip(series.steps, series.values, strict=True) if value == value]


def _is_on(axis: Axis, value: float) -> bool:
    return axis.low <= value <= axis.high
