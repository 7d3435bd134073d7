"""What the grader loses without one of its mechanisms."""

import os
from importlib import import_module
from signal import SIGKILL

import pytest

from benchmarks.graders import worth
from benchmarks.graders.worth import Case, verdicts, without

CASES = [
    Case("5", "The answer is 5", None, (), is_right=True),
    Case("5", r"\frac{10}{2}", None, ("unfinished",), is_right=False),
    Case("5", "6", None, (), is_right=False),
]


@pytest.mark.parametrize(
    ("name", "false_positives", "false_negatives"),
    [("drop_sentence", 0, 1), ("_is_finished", 1, 0), ("read_date", 0, 0)],
)
def test_what_is_lost_without_a_mechanism(name, false_positives, false_negatives):
    """And all is as before when it is back, whatever the grader had kept in its caches."""
    use = next(use for use in worth.USES if use[1] == name)
    whole = verdicts(CASES)
    row = without(*use, CASES, whole)
    assert [row["false_positives"], row["false_negatives"]] == [false_positives, false_negatives]
    assert verdicts(CASES) == whole == [case.is_right for case in CASES]


def test_every_line_of_the_tables_is_a_case():
    """Pairs of each file, and forms with their problems."""
    cases = list(worth.read_cases())
    assert len(cases) > 3000
    assert sum(case.problem is not None for case in cases) > 10
    assert {case.is_right for case in cases} == {True, False}


def test_a_case_that_ends_the_process_is_not_paid(monkeypatch):
    """The others are judged by the next one."""
    monkeypatch.setattr(
        worth, "verdict", lambda case: os.kill(os.getpid(), SIGKILL) if case is CASES[1] else case.is_right
    )
    assert verdicts(CASES) == [True, False, False]
    assert verdicts(CASES[1:]) == [False, False]


def test_files_come_in_the_order_of_what_their_lines_are_worth():
    """The verdicts of all mechanisms in a file are added up, and so are the files."""
    row = {"file": "a.py", "file_lines": 100, "wrong_without": 3}
    rows = [row, row | {"wrong_without": 2}, row | {"file": "b.py", "file_lines": 50, "wrong_without": 1}]
    assert worth.by_file(rows) == [
        {"file": "b.py", "wrong_without": 1, "lines_so_far": 50, "wrong_so_far": 1},
        {"file": "a.py", "wrong_without": 5, "lines_so_far": 150, "wrong_so_far": 6},
    ]


def test_every_mechanism_is_where_it_is_said_to_be():
    """Before an hour is spent on the others."""
    assert [use for use in worth.USES if not hasattr(import_module(f"leanrl.grading.{use[0]}"), use[1])] == []
