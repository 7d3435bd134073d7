"""The greedy scores of a run on its held-out problems before and after, and whether that is a difference."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from leanrl.report.quantities import number_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData

_LEAST_P_SHOWN = 0.001


@dataclass(frozen=True)
class HeldoutChange:
    """After minus before, paired by problem, as fractions, with its 95 % interval.

    `smallest_seen` is the smallest true difference that so many problems show with 80 % power; None where they show
    none.
    """

    value: float
    low: float
    high: float
    p_value: float
    num_problems: int
    is_shown: bool
    smallest_seen: float | None


def score(data: RunData, change: HeldoutChange | None) -> Markup:
    """Return the greedy scores, the one result that a reader looks for; nothing if none was taken."""
    before, after = data.summary.get("greedy_before"), data.summary.get("greedy_after")
    if not isinstance(before, int | float):
        return Markup()
    num_eval = data.summary.get("num_eval")
    bars, points = [("before", before, _out_of(before, num_eval))], None
    if isinstance(after, int | float):
        bars.append(("after", after, _out_of(after, num_eval)))
        points = _signed(after - before, "{:+.0f}")
    told = None if points is None or change is None else _told(change)
    return fill("score.html", bars=bars, points=points, told=told)


def _told(change: HeldoutChange) -> list[str]:
    """Return the interval, and what it says."""
    low, high = (_signed(bound, "{:+.1f}") for bound in (change.low, change.high))
    chance = "< 0.001" if change.p_value < _LEAST_P_SHOWN else f"= {number_text(change.p_value)}"
    interval = f"95 % interval {low} to {high}, p {chance}, {change.num_problems} problems, paired"
    if change.is_shown:
        return [interval, "A difference was shown."]
    if change.smallest_seen is None:
        return [interval, "No difference was shown; so few problems show none."]
    return [interval, f"No difference was shown; this design sees {100 * change.smallest_seen:.1f} points or more."]


def _signed(share: float, form: str) -> str:
    return form.format(100 * share).replace("-", "−")


def _out_of(value: float, num_eval: Any) -> str:
    return f"{round(value * num_eval)} of {num_eval}" if isinstance(num_eval, int) else ""
