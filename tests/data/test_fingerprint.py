"""A fingerprint of problems changes with their content and their order, and with nothing else."""

from dataclasses import replace

import pytest

from leanrl.data.fingerprint import problems_fingerprint
from leanrl.types import ProblemSet, Row

ROWS = [Row("1", "2 + 2", "4", "2 + 2", {"level": 1}), Row("2", "3 + 3", "6", "3 + 3", {"level": 2})]


def _sha256(train, heldout=()):
    return problems_fingerprint(ProblemSet(list(train), list(heldout)))["sha256"]


def test_the_same_rows_have_the_same_fingerprint():
    again = [replace(row, columns=dict(reversed(row.columns.items()))) for row in ROWS]
    assert problems_fingerprint(ProblemSet(again)) == problems_fingerprint(ProblemSet(ROWS))
    assert problems_fingerprint(ProblemSet(ROWS, ROWS[:1]))["num_train_rows"] == 2
    assert problems_fingerprint(ProblemSet(ROWS, ROWS[:1]))["num_heldout_rows"] == 1


@pytest.mark.parametrize(
    ("train", "heldout"),
    [
        (ROWS[::-1], []),
        (ROWS[:1], []),
        (ROWS[:1], ROWS[1:]),
        ([replace(ROWS[0], gold="5"), ROWS[1]], []),
        ([replace(ROWS[0], columns={"level": 3}), ROWS[1]], []),
        ([replace(ROWS[0], asked_by="2 + 2?"), ROWS[1]], []),
    ],
)
def test_another_row_order_gold_column_or_prompt_changes_it(train, heldout):
    assert _sha256(train, heldout) != _sha256(ROWS)


def test_an_object_without_json_is_known_by_its_type_and_not_by_its_address():
    first, second = ([replace(ROWS[0], columns={"made": object()})] for _ in range(2))
    assert _sha256(first) == _sha256(second)


def test_a_lone_surrogate_has_a_fingerprint():
    assert _sha256([replace(ROWS[0], problem="\ud800")]) != _sha256([replace(ROWS[0], problem="\ud801")])
