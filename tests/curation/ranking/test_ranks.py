"""Orders of problems by visits: numbers by hand, ties, and problems that were never asked."""

import pytest

from leanrl.curation.ranking.ranks import Order, ranked, seen_of
from leanrl.types import Visit


def visit(*correct: bool) -> Visit:
    size = len(correct)
    return Visit(0, 0, tuple(map(float, correct)), correct, (5,) * size, (False,) * size)


def test_what_was_seen_by_hand():
    """Pass rates 1/4 and 3/4: mean 1/2, variance (1/4)^2, p (1 - p) = 3/16 both times."""
    seen = seen_of([visit(True, False, False, False), visit(True, True, True, False)])
    assert (seen.num_visits, seen.num_completions, seen.pass_rate) == (2, 8, 0.5)
    assert (seen.variance, seen.signal) == (0.0625, 0.1875)


def test_one_visit_has_no_variance_and_none_is_nothing():
    assert seen_of([visit(True, False)]).variance == 0.0
    assert seen_of([]) is None


def test_groups_of_unequal_size_weigh_by_their_completions():
    assert seen_of([visit(True), visit(False, False, False)]).pass_rate == 0.25


@pytest.mark.parametrize(
    ("visits", "expected"),
    [
        ([visit(True, False), visit(True, True), visit(True, True)], 2),
        ([visit(True, True), visit(False, False)], -1),
        ([visit(False, False), visit(True, False)], 0),
    ],
)
def test_the_latest_visits_without_signal(visits: list[Visit], expected: int):
    assert seen_of(visits).in_a_row == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("varied", ["moving", "half", "always", "never"]),
        ("signal", ["half", "moving", "always", "never"]),
        ("easy", ["always", "half", "moving", "never"]),
        ("hard", ["never", "half", "moving", "always"]),
    ],
)
def test_orders(order: Order, expected: list[str]):
    problems = {
        "unasked": [],
        "always": [visit(True, True)] * 2,
        "never": [visit(False, False)] * 2,
        "moving": [visit(False, False), visit(True, True)],
        "half": [visit(True, False)] * 2,
    }
    names = list(problems)
    places = ranked([seen_of(visits) for visits in problems.values()], order)
    assert [names[place] for place in places] == [*expected, "unasked"]
