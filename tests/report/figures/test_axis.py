"""Axes that do not shout: from 0 where a quantity is never negative, else with their range in words."""

import pytest

from leanrl.report.figures.axis import step_ticks, tick_text, value_axis
from leanrl.report.figures.curves import Curve, Series
from leanrl.report.figures.lines import Unit

GIB = 2.0**30


def curve(unit: Unit, *values: float) -> Curve:
    return Curve("c", "C", "", unit, [Series("line", list(range(1, len(values) + 1)), list(values))])


@pytest.mark.parametrize(
    ("unit", "values", "ticks", "note"),
    [
        ("share", (0.3, 0.9), [0, 0.2, 0.4, 0.6, 0.8, 1.0], ""),
        ("tokens", (12.25, 13.25), [0, 5, 10, 15], ""),  # 13.25 / 4 = 3.3, so that ticks are 5 apart
        ("number", (-0.04, 0.05), [-0.05, -0.025, 0.0, 0.025, 0.05], "Axis from −0.05 to 0.05."),
        ("number", (2e-4, 1e-4), [0, 5e-5, 1e-4, 1.5e-4, 2e-4], ""),
        ("bytes", (3.2 * GIB,), [0, GIB, 2 * GIB, 3 * GIB, 4 * GIB], ""),
        ("number", (0.0, 0.0), [0, 0.25], ""),
        ("number", (), [0, 0.25, 0.5, 0.75, 1.0], ""),
    ],
)
def test_the_ticks_and_the_range_in_words(unit: Unit, values: tuple[float, ...], ticks: list[float], note: str) -> None:
    axis = value_axis(curve(unit, *values))
    assert axis.ticks == pytest.approx(ticks)
    assert axis.note == note


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.5, "share", "50%"),
        (-0.05, "number", "−0.05"),
        (2e-4, "number", "0.0002"),
        (2e-6, "number", "2e−6"),
        (12_000.0, "tokens", "12,000"),
        (2_500_000.0, "tokens", "2.5M"),
        (90.0, "seconds", "90 s"),
        (1.5 * GIB, "bytes", "1.5 GiB"),
    ],
)
def test_what_a_tick_says(value: float, unit: Unit, words: str) -> None:
    assert tick_text(value, unit) == words


@pytest.mark.parametrize(
    ("first", "last", "ticks"),
    [(1, 10, [2, 4, 6, 8, 10]), (1, 500, [100, 200, 300, 400, 500]), (3, 3, [3]), (1, 2, [1, 2])],
)
def test_steps_have_whole_round_ticks(first: int, last: int, ticks: list[int]) -> None:
    assert step_ticks(first, last) == ticks
