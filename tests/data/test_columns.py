"""Columns: those of the config, those of usual names, and what is said where one is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import DataError
from leanrl.types import ProblemSet


def _load(folder: Path, *rows: dict[str, Any], **keys: Any) -> ProblemSet:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_problems(DataConfig(path=str(path), **keys), seed=0)


# The shape of verl's and DAPO's data sets.
VERL: dict[str, Any] = {
    "prompt": [{"role": "user", "content": "2 + 2?"}],
    "reward_model": {"ground_truth": "4", "style": "rule"},
    "extra_info": {"index": 3, "answer": "2 + 2 = 4", "question": "2 + 2"},
}


@pytest.mark.parametrize(
    ("row", "problem", "gold", "columns"),
    [
        (VERL, "2 + 2?", "4", ["'prompt'", "'reward_model.ground_truth'"]),
        ({"question": "2 + 2?", "answer": "#### 4"}, "2 + 2?", "4", ["'question'"]),
        ({"problem": "2 + 2?", "solution": r"It is \boxed{4}."}, "2 + 2?", r"It is \boxed{4}.", ["'solution'"]),
        ({"prompt": "2 + 2?", "ground_truth": 4}, "2 + 2?", "4", ["'prompt'", "'ground_truth'"]),
        ({"messages": [{"role": "user", "content": "2 + 2?"}], "answer": 4}, "2 + 2?", "4", ["'messages'"]),
        ({"extra_info": VERL["extra_info"]}, "2 + 2", "2 + 2 = 4", ["'extra_info.question'", "'extra_info.answer'"]),
    ],
    ids=["verl", "gsm8k", "solution", "trl", "messages", "extra_info"],
)
def test_usual_names_are_taken_and_said(
    tmp_path: Path, row: dict[str, Any], problem: str, gold: str, columns: list[str]
) -> None:
    problems = _load(tmp_path, row)
    assert [(row.problem, row.gold) for row in problems.train] == [(problem, gold)]
    said = [line for line in problems.lines if "read from the column" in line]
    assert len(said) == len(columns)
    assert all(column in line for column, line in zip(columns, said, strict=True))


def test_a_named_column_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no column 'text'"):
        _load(tmp_path, {"question": "1?", "answer": 1}, problem_column="text")


def test_the_default_names_come_before_usual_ones(tmp_path: Path) -> None:
    (row,) = _load(tmp_path, {"question": "no", "problem": "1?", "answer": 1, "ground_truth": 2}).train
    assert (row.problem, row.gold) == ("1?", "1")


def test_a_column_may_begin_behind_the_first_rows(tmp_path: Path) -> None:
    """The rows in which columns are looked for are the first 200."""
    rows = [{"problem": f"{n}?", **({"result": n} if n > 300 else {})} for n in range(302)]
    problems = _load(tmp_path, *rows, answer_column="result")
    assert [row.gold for row in problems.train] == ["301"]


def test_nested_columns_and_a_conversation_are_read(tmp_path: Path) -> None:
    (row,) = _load(tmp_path, VERL, problem_column="prompt", answer_column="reward_model.ground_truth").train
    assert (row.problem, row.gold) == ("2 + 2?", "4")


def test_nested_columns_are_offered_by_their_whole_name(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _load(tmp_path, VERL, answer_column="truth")
    assert "reward_model, reward_model.ground_truth, reward_model.style, extra_info," in str(caught.value)
    assert "-s data.answer_column=reward_model.ground_truth" in str(caught.value.hint)


def test_a_column_with_spaces_is_quoted_in_the_hint(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _load(tmp_path, {"Problem (Text)": "1?", "Answer": 1})
    assert "-s data.problem_column='Problem (Text)' -s data.answer_column=Answer" in str(caught.value.hint)


def test_the_instruction_is_offered_and_not_its_input(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _load(tmp_path, {"instruction": "2 + 2?", "input": "", "output": "4"})
    assert "-s data.problem_column=instruction -s data.answer_column=output" in str(caught.value.hint)


def test_a_file_that_holds_its_rows_under_a_name_says_which(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        _load(tmp_path, {"version": 1, "data": [{"problem": "2 + 2?", "answer": "4"}]})
    assert "the rows lie in 'data'" in str(caught.value.hint)
