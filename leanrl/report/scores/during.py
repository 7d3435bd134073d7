"""The evaluations that a run made while it trained: curves with intervals, and the paired difference to step 0."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from leanrl.report.figures.curves import Curve, Series, Threshold
from leanrl.report.figures.grid import figure_grid
from leanrl.report.quantities import NONE, number_text, share_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import Record, RunData

_HEAD = ("step", "score", "95 % interval", "difference, points", "95 % interval", "p", "cut", "tokens")
_INTERVAL = ("low", "95 % from"), ("high", "95 % to")
_SCORE = "Fraction of the held-out problems answered right during training, with its 95 % interval over problems."
_DIFFERENCE = "Paired difference of the score to step 0, with its 95 % interval. Above 0 the run has helped."
_BEST = (
    "The best so far has the highest lower bound of the difference (of the score where step 0 is missing). It was "
    "picked among all of these, so its own score is too high by luck: evaluate it on other problems before reporting."
)


def evaluations_section(data: RunData) -> Markup:
    """Return the evaluations during training over steps and as a table; nothing where there were none."""
    if not data.evaluations:
        return Markup()
    rows = [_cells(one) for one in data.evaluations]
    return fill("scores.html", title=_title(data), lead=_lead(data), figures=_figures(data), head=_HEAD, rows=rows)


def evaluation_curves(evaluations: Sequence[Record]) -> list[Curve]:
    """Return the score and its difference to step 0 over the steps; each where two steps have it."""
    scores = [(one.get("step"), one) for one in evaluations]
    differences = [(one.get("step"), one.get("difference")) for one in evaluations]
    better = (Threshold(0.0, "no difference to step 0"),)
    return [
        *_curve("heldout_score", "Held-out score", _SCORE, "score", scores),
        *_curve("heldout_difference", "Difference to step 0", _DIFFERENCE, "value", differences, better),
    ]


def _figures(data: RunData) -> Markup:
    return figure_grid(evaluation_curves(data.evaluations))


def _title(data: RunData) -> str:
    return f"Evaluations during training ({len(data.evaluations)})"


def _lead(data: RunData) -> str:
    best = [one.get("step") for one in data.evaluations if one.get("is_best") is True]
    told = f" The best so far is step {best[-1]}." if best else ""
    return f"{data.evaluations[-1].get('num_problems', NONE)} held-out problems, the same at every step.{told} {_BEST}"


def _curve(
    slug: str,
    title: str,
    caption: str,
    name: str,
    points: Sequence[tuple[Any, Any]],
    thresholds: tuple[Threshold, ...] = (),
) -> list[Curve]:
    known = [(step, value) for step, value in points if isinstance(step, int) and isinstance(value, Mapping)]
    if len(known) < 2:
        return []
    steps = [step for step, _ in known]
    lines = [
        Series(label, steps, [_number(value.get(key)) for _, value in known])
        for key, label in ((name, "score" if name == "score" else "difference"), *_INTERVAL)
    ]
    return [Curve(slug, title, caption, "share", lines, thresholds=thresholds)]


def _cells(one: Record) -> list[str]:
    difference = one.get("difference")
    difference = difference if isinstance(difference, Mapping) else {}
    best = ", best so far" if one.get("is_best") is True else ""
    return [
        f"{one.get('step')}{best}",
        share_text(one.get("score")),
        _interval(one, "{:.1f}"),
        _points(difference.get("value")),
        _interval(difference, "{:+.1f}"),
        number_text(difference.get("p_value")),
        share_text(one.get("truncated_share")),
        number_text(one.get("mean_tokens")),
    ]


def _points(value: Any) -> str:
    number = _number(value)
    return NONE if math.isnan(number) else f"{100 * number:+.1f}"


def _interval(values: Mapping[str, Any], form: str) -> str:
    low, high = _number(values.get("low")), _number(values.get("high"))
    return NONE if math.isnan(low + high) else f"{form.format(100 * low)} to {form.format(100 * high)}"


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else math.nan
