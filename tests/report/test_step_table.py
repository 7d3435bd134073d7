"""The table of steps: a column for each line, a dash where a step has no value, and some steps of a long run."""

import math
import re

from leanrl.report.figures.curves import Curve, Series
from leanrl.report.step_table import step_table


def test_a_column_for_each_line_and_a_dash_where_there_is_no_value() -> None:
    shares = Curve("a", "Shares", "", "share", [Series("x", [1, 2], [0.5, math.nan]), Series("y", [1, 2], [0.25, 1.0])])
    loss = Curve("b", "Loss", "", "number", [Series("loss", [2], [-0.5])])
    rows = re.findall(r"<tr>(.*?)</tr>", step_table([shares, loss]))
    assert [re.findall(r">([^<>]+)</t[hd]>", row) for row in rows] == [
        ["step", "Shares: x", "Shares: y", "Loss"],
        ["1", "50%", "25%", "–"],
        ["2", "–", "100%", "−0.5"],
    ]


def test_a_long_run_shows_every_third_step_and_the_last() -> None:
    """1,200 steps in at most 500 rows: every third one is 400 rows, and step 1,200."""
    curve = Curve("a", "A", "", "number", [Series("a", list(range(1, 1201)), [0.0] * 1200)])
    page = step_table([curve])
    assert "Table of 401 of 1,200 steps" in page
    assert "<td>1,200</td>" in page


def test_nothing_without_a_step() -> None:
    assert step_table([]) == ""
