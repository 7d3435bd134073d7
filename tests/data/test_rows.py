"""Rows: gold answers made text, unusable rows dropped with their reason, stable ids."""

import hashlib
from typing import Any

import numpy as np
import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.columns import Columns
from leanrl.data.rows import check_row
from leanrl.data.sources import SourceRow
from leanrl.types import DroppedRow, GoldList, Row


def check(**fields: Any) -> Row | DroppedRow:
    return checked(fields, DataConfig(prompt_template="Q: {problem}"))


def checked(fields: dict[str, Any], data: DataConfig) -> Row | DroppedRow:
    return check_row(SourceRow("sums.jsonl:7", fields), data, Columns("problem", "answer")).outcome


@pytest.mark.parametrize(
    ("value", "gold"),
    [
        ("12", "12"),
        (r" \frac{1}{2} ", r"\frac{1}{2}"),
        (12, "12"),
        (-0.5, "-0.5"),
        (0, "0"),
        (1e20, "100000000000000000000"),  # 1e+20 would be read as 1 * e + 20
        (1e-7, "0.0000001"),
        (np.int64(7), "7"),
        (np.float32(0.25), "0.25"),
    ],
)
def test_golds_become_text(value: Any, gold: str) -> None:
    row = check(problem="p", answer=value)
    assert isinstance(row, Row)
    assert row.gold == gold


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"problem": "p"}, "no gold answer (column 'answer')"),
        ({"problem": "p", "answer": None}, "no gold answer (column 'answer')"),
        ({"problem": "p", "answer": ""}, "no gold answer (column 'answer')"),
        ({"problem": "p", "answer": "  "}, "no gold answer in text or a number, but '  ' (column 'answer')"),
        ({"problem": "p", "answer": True}, "no gold answer in text or a number, but True (column 'answer')"),
        ({"problem": "p", "answer": float("nan")}, "no gold answer in text or a number, but nan (column 'answer')"),
        ({"answer": "4"}, "no problem (column 'problem')"),
        ({"problem": "", "answer": "4"}, "no problem (column 'problem')"),
        ({"problem": 5, "answer": "4"}, "no problem in text, but 5 (column 'problem')"),
        ({"problem": "\ud83d", "answer": "4"}, "half a surrogate pair in the text, which no tokenizer can read"),
    ],
)
def test_what_cannot_be_used_is_dropped_with_its_place_and_reason(fields: dict[str, Any], reason: str) -> None:
    assert check(**fields) == DroppedRow("sums.jsonl:7", reason)


def test_the_prompt_is_built() -> None:
    row = check(problem="1 + 1", answer="2")
    assert isinstance(row, Row)
    assert row.prompt == [{"role": "user", "content": "Q: 1 + 1"}]
    assert row.problem == "1 + 1"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"id": "aime-3"}, "aime-3"),
        ({"id": 3}, "3"),
        ({"id": " "}, hashlib.sha256(b"1 + 1").hexdigest()[:16]),
        ({}, hashlib.sha256(b"1 + 1").hexdigest()[:16]),
    ],
)
def test_ids_are_given_or_come_from_the_text(given: dict[str, Any], expected: str) -> None:
    row = check(problem="1 + 1", answer="2", **given)
    assert isinstance(row, Row)
    assert row.id == expected


@pytest.mark.parametrize(
    ("value", "gold"),
    [
        (["1", "2"], GoldList(("1", "2"), "all")),
        ([1, 2.5], GoldList(("1", "2.5"), "all")),
        (["7"], "7"),  # a list of one is no list
    ],
)
def test_several_gold_answers(value, gold):
    row = checked({"problem": "?", "answer": value}, DataConfig(accept="all"))
    assert row.gold == gold


@pytest.mark.parametrize("value", [[], ["1", None], [""], [["1"]]])
def test_a_list_with_a_hole_is_no_gold_answer(value):
    row = checked({"problem": "?", "answer": value}, DataConfig())
    assert isinstance(row, DroppedRow)


@pytest.mark.parametrize("index", [2, np.int64(2)])
@pytest.mark.parametrize("choices", [["Rome", "Oslo", "Paris"], np.array(["Rome", "Oslo", "Paris"])])
def test_an_index_into_the_choices_is_the_letter_of_one(index: Any, choices: Any) -> None:
    """As MMLU writes a row: the options stand below the question, and the gold answer is no number."""
    row = check(problem="Capital of France? ", choices=choices, answer=index)
    assert isinstance(row, Row)
    assert row.problem == "Capital of France?\n\nA) Rome\nB) Oslo\nC) Paris"
    assert row.gold == "C"


@pytest.mark.parametrize(
    "fields",
    [
        {"choices": ["1", "2"], "answer": 2},  # no index
        {"choices": ["1", "2"], "answer": -1},
        {"choices": ["1", "2"], "answer": "1"},  # a text is read as it stands
        {"choices": ["1", "2"], "answer": 1.0},
        {"choices": ["1"], "answer": 0},
        {"choices": "ab", "answer": 1},
        {"choices": None, "answer": 1},
        {"answer": 1},
    ],
)
def test_any_other_answer_beside_choices_stays(fields: dict[str, Any]) -> None:
    row = check(problem="p", **fields)
    assert isinstance(row, Row)
    assert (row.problem, row.gold) == ("p", str(fields["answer"]).removesuffix(".0"))
