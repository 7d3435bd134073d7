"""The fraction of groups that are all right or all wrong, step by step."""

from leanrl.report.problems.decided import decided_curve
from leanrl.types import Visit


def visit(step: int, *correct: bool) -> Visit:
    size = len(correct)
    return Visit(step, 0, (0.0,) * size, correct, (1,) * size, (False,) * size)


def test_shares_of_a_step() -> None:
    """Step 1: 1 of 4 groups all right, 2 of 4 all wrong. Step 3: the one group has both. Step 2 drew none."""
    history = [visit(0, True, True), visit(0, False, False), visit(0, False), visit(0, True, False)]
    curve = decided_curve([("a", each) for each in [*history, visit(2, False, True)]])
    assert curve.unit == "share"
    assert {series.name: (series.steps, series.values) for series in curve.series} == {
        "either": ([1, 3], [0.75, 0.0]),
        "all right": ([1, 3], [0.25, 0.0]),
        "all wrong": ([1, 3], [0.5, 0.0]),
    }


def test_steps_are_in_order_whatever_the_order_of_visits() -> None:
    curve = decided_curve([("a", visit(4, True)), ("a", visit(1, True))])
    assert [series.steps for series in curve.series] == [[2, 5]] * 3


def test_no_group_is_no_line() -> None:
    assert decided_curve([]).series == []
