"""The numbers of each step as a table, for those who read numbers and for those who do not see figures."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from leanrl.report.figures.axis import tick_text
from leanrl.report.figures.curves import Curve
from leanrl.report.quantities import NONE, count_text
from leanrl.report.rendering import fill

_MOST_ROWS = 500
_DIGITS = 4


def step_table(curves: Sequence[Curve]) -> Markup:
    """Return a folded table with a row for each step and a column for each line; a long run has some of its steps."""
    lines = [(curve, series) for curve in curves for series in curve.series]
    steps = sorted({step for _, series in lines for step in series.steps})
    if not steps:
        return Markup()
    stride = -(-len(steps) // _MOST_ROWS)
    shown = [step for place, step in enumerate(steps) if place % stride == 0 or step == steps[-1]]
    values = [dict(zip(series.steps, series.values, strict=True)) for _, series in lines]
    rows = [
        [
            count_text(step),
            *(_cell(found.get(step, math.nan), curve) for (curve, _), found in zip(lines, values, strict=True)),
        ]
        for step in shown
    ]
    head = ["step", *(_name(curve, series.name) for curve, series in lines)]
    title = f"Table of {count_text(len(shown))} of {count_text(len(steps))} steps"
    return fill("steps.html", title=title, head=head, rows=rows)


def _name(curve: Curve, line: str) -> str:
    return curve.title if len(curve.series) == 1 else f"{curve.title}: {line}"


def _cell(value: float, curve: Curve) -> str:
    return tick_text(float(f"{value:.{_DIGITS}g}"), curve.unit) if math.isfinite(value) else NONE
