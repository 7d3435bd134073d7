"""The value axis of a figure: where it begins and ends, its ticks, and what they say."""

import math
from dataclasses import dataclass

from leanrl.report.figures.curves import Curve
from leanrl.report.figures.lines import Unit

_MOST_TICKS = 5
_GIB = 2**30
_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """An axis from its first to its last tick; `note` says the range of one that does not begin at 0."""

    ticks: list[float]
    note: str = ""

    @property
    def low(self) -> float:
        return self.ticks[0]

    @property
    def high(self) -> float:
        return self.ticks[-1]

    def share_of(self, value: float) -> float:
        """Return where a value lies, from 0 at the first tick to 1 at the last."""
        return (value - self.low) / (self.high - self.low)


def value_axis(curve: Curve) -> Axis:
    """Return the axis of a curve: 0 to 1 for a fraction, from 0 for what is never negative, else the values' range.

    An axis that begins elsewhere makes noise look like change, so that its range is said in words.
    """
    values = [value for series in curve.series for value in series.values if math.isfinite(value)]
    low, high = min(values, default=0.0), max(values, default=1.0)
    if curve.unit == "share" and low >= 0.0 and high <= 1.0:
        return Axis([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    if low >= 0.0:
        return Axis(_round_ticks(0.0, high, curve.unit))
    ticks = _round_ticks(low, high, curve.unit)
    return Axis(ticks, f"Axis from {tick_text(ticks[0], curve.unit)} to {tick_text(ticks[-1], curve.unit)}.")


def step_ticks(first: int, last: int) -> list[int]:
    """Return whole round numbers within the steps of a run."""
    stride = max(1, round(_round_step((last - first) / _MOST_TICKS)))
    start = -(-first // stride) * stride
    return list(range(start, last + 1, stride)) or [first]


def tick_text(value: float, unit: Unit) -> str:
    """Return a value of an axis as its reader sees it, as short as its digits allow."""
    if unit == "share":
        return f"{100 * value:.6g}%".replace("-", "−")
    if unit == "bytes":
        return f"{value / _GIB:.6g} GiB"
    ending = " s" if unit == "seconds" else ""
    return f"{_short(value)}{ending}".replace("-", "−")


def _short(value: float) -> str:
    size = abs(value)
    if size >= 1e6:
        return f"{value / 1e6:.6g}M"
    if size >= 1000 or size == 0.0:
        return f"{value:,.0f}"
    return f"{value:.6g}".replace("e-0", "e-")


def _round_ticks(low: float, high: float, unit: Unit) -> list[float]:
    scale = _GIB if unit == "bytes" else 1
    span = (high - low) / scale or abs(high) / scale or 1.0
    step = _round_step(span / (_MOST_TICKS - 1)) * scale
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, max(last, first + 1) + 1)]


def _round_step(least: float) -> float:
    """Return the smallest 1, 2, 2.5 or 5 times a power of ten that is at least as large."""
    power = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    return next(factor * power for factor in _ROUND_STEPS if factor * power >= least * (1 - 1e-9))
