"""Pass rates of problems, and the level that each has for the policy."""

import pytest

from leanrl.report.problems.pass_rates import LEVELS, by_level, problem_records
from leanrl.types import Visit


def visit(num_correct: int, size: int, *, step: int = 0, num_tokens: int = 10) -> Visit:
    correct = (True,) * num_correct + (False,) * (size - num_correct)
    return Visit(step, 0, (0.0,) * size, correct, (num_tokens,) * size, (False,) * (size - 1) + (True,))


def test_the_groups_of_a_problem_are_summed_up() -> None:
    """1 of 4, then 6 of 8: 7 of 12 in all; 4 x 10 + 8 x 40 = 360 tokens, 30 each."""
    (record,) = problem_records([("a", visit(1, 4)), ("a", visit(6, 8, step=9, num_tokens=40))])
    assert (record.num_groups, record.num_completions, record.num_correct, record.num_truncated) == (2, 12, 7, 2)
    assert record.pass_rate == pytest.approx(7 / 12)
    assert (record.first_rate, record.last_rate) == (0.25, 0.75)
    assert record.last_step == 10
    assert record.mean_tokens == 30.0


def test_problems_come_in_the_order_in_which_they_were_first_asked() -> None:
    history = [("b", visit(1, 4)), ("a", visit(1, 4)), ("b", visit(1, 4))]
    assert [record.prompt_id for record in problem_records(history)] == ["b", "a"]


@pytest.mark.parametrize(
    ("num_correct", "level"),
    [
        (0, "never solved"),
        (1, "hard"),
        (24, "hard"),
        (25, "medium"),
        (75, "medium"),
        (76, "easy"),
        (99, "easy"),
        (100, "always solved"),
    ],
)
def test_levels(num_correct: int, level: str) -> None:
    (record,) = problem_records([("a", visit(num_correct, 100))])
    assert record.level == level


def test_one_answer_of_200_000_is_not_never() -> None:
    """A level goes by counts, not by a rounded rate."""
    (record,) = problem_records([("a", visit(1, 200_000))])
    assert record.level == "hard"


def test_each_level_begins_with_what_a_reader_looks_for() -> None:
    rates = {"n1": (0, 4), "n2": (0, 8), "h2": (2, 10), "h1": (1, 10), "m2": (6, 20), "m1": (11, 20)}
    rates |= {"e2": (8, 10), "e1": (9, 10), "a1": (4, 4), "a2": (8, 8)}
    found = by_level(problem_records([(name, visit(*counts)) for name, counts in rates.items()]))
    assert tuple(found) == LEVELS
    assert {level: [record.prompt_id for record in records] for level, records in found.items()} == {
        "never solved": ["n2", "n1"],
        "hard": ["h1", "h2"],
        "medium": ["m1", "m2"],
        "easy": ["e1", "e2"],
        "always solved": ["a2", "a1"],
    }


def test_no_group_is_no_problem() -> None:
    assert problem_records([]) == []
    assert by_level([]) == {level: [] for level in LEVELS}
