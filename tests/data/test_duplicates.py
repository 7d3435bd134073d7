"""Rows that contradict each other are named with both places; the config says which are kept."""

import json
from pathlib import Path
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import DataError
from leanrl.types import ProblemSet

ROWS: list[dict[str, Any]] = [
    {"id": "a", "problem": "1 + 1", "answer": 2},
    {"id": "a", "problem": "2 + 2", "answer": 4},  # the id again
    {"problem": "3 + 3", "answer": 6},
    {"problem": "3  + 3", "answer": "7"},  # another gold
    {"problem": "3 + 3", "answer": "6.0"},  # the same gold
    {"problem": "5 + 5", "answer": 10},
]


def _load(folder: Path, choice: str, rows: list[dict[str, Any]] = ROWS) -> ProblemSet:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_problems(DataConfig.model_validate({"path": str(path), "duplicates": choice}), seed=0)


def test_the_first_is_kept_and_both_rows_are_named(tmp_path: Path) -> None:
    problems = _load(tmp_path, "keep_first")
    kept = [(row.problem, row.gold) for row in problems.train]
    assert kept == [("1 + 1", "2"), ("3 + 3", "6"), ("3 + 3", "6.0"), ("5 + 5", "10")]
    of_id, of_golds = problems.dropped
    assert of_id.where.endswith("mine.jsonl:2")
    assert "the same id 'a' as " in of_id.reason
    assert "mine.jsonl:1; data.duplicates is keep_first" in of_id.reason
    assert of_golds.where.endswith("mine.jsonl:4")
    assert "two gold answers, '6' and '7', as" in of_golds.reason
    assert "mine.jsonl:3;" in of_golds.reason
    assert problems.lines == ["1 rows ask a problem again with the same gold answer; they are kept"]


def test_all_that_contradict_each_other_are_dropped(tmp_path: Path) -> None:
    """The row that repeats the problem of a contradiction goes with it: nobody knows whose gold is right."""
    problems = _load(tmp_path, "drop_all")
    assert [row.problem for row in problems.train] == ["5 + 5"]
    assert [row.where.rpartition(":")[2] for row in problems.dropped] == ["1", "2", "3", "4", "5"]


def test_they_are_refused_with_both_places(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 rows contradict an earlier one") as caught:
        _load(tmp_path, "error")
    assert "mine.jsonl:2 and" in str(caught.value)
    assert "mine.jsonl:3: the same problem with two gold answers" in str(caught.value)
    assert "data.duplicates=keep_first" in str(caught.value.hint)


def test_what_does_not_contradict_is_left_alone(tmp_path: Path) -> None:
    problems = _load(tmp_path, "error", [ROWS[0], ROWS[2], ROWS[4], ROWS[5], {"problem": "1 + 1", "answer": 2}])
    assert len(problems.train) == 5
