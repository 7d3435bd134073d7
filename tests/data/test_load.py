"""The problem set: the sources by config, what is dropped, and what every broken source is told."""

import json
from pathlib import Path
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, DataError


def write(folder: Path, *rows: dict[str, Any]) -> str:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_generated_sums_are_asked_through_the_template() -> None:
    data = DataConfig(generator="one_digit_sums", num_heldout=20, prompt_template=r"\boxed{} {problem}")
    problems = load_problems(data, seed=3)
    assert len(problems.train) + len(problems.heldout) == 100
    first = problems.train[0]
    assert first.prompt == [{"role": "user", "content": rf"\boxed{{}} {first.problem}"}]
    assert all(eval(row.problem) == int(row.gold) for row in problems.train + problems.heldout)
    assert problems == load_problems(data, seed=3)


def test_a_file_with_columns_of_its_own(tmp_path: Path) -> None:
    """Four rows, one without a gold answer, one held out."""
    rows = [{"question": f"{n} + 1", "result": n + 1} for n in range(3)] + [{"question": "9 + 9"}]
    data = DataConfig(path=write(tmp_path, *rows), problem_column="question", answer_column="result", num_heldout=1)
    problems = load_problems(data, seed=0)
    assert len(problems.train) == 2
    assert len(problems.heldout) == 1
    assert {row.gold for row in problems.train + problems.heldout} == {"1", "2", "3"}
    assert [row.where for row in problems.dropped] == [f"{data.path}:4"]
    assert problems.dropped[0].reason == "no gold answer (column 'result')"


def test_rows_given_in_python_take_the_place_of_the_source() -> None:
    data = DataConfig(path="never-read.jsonl", system_prompt="Be brief.")
    problems = load_problems(data, seed=0, rows=[{"problem": "1 + 1", "answer": 2}, {"problem": "1 + 2"}])
    assert [row.gold for row in problems.train] == ["2"]
    assert problems.train[0].prompt[0] == {"role": "system", "content": "Be brief."}
    assert [row.where for row in problems.dropped] == ["row 2"]


@pytest.mark.parametrize(
    ("kept_columns", "columns"),
    [((), {}), ({"level", "none"}, {"level": 3}), (None, {"q": "1 + 1", "a": 2, "level": 3})],
)
def test_the_columns_that_rewards_read_stay_on_the_row(kept_columns: set[str] | None, columns: dict[str, Any]) -> None:
    data = DataConfig(problem_column="q", answer_column="a")
    row = {"q": "1 + 1", "a": 2, "level": 3}
    problems = load_problems(data, seed=0, rows=[row, {**row, "q": "1 + 2"}], kept_columns=kept_columns)
    assert problems.train[0].columns == columns


def test_a_dataset_is_read_through_its_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local folder takes the same way through `datasets` as an id on the Hub."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "sums").mkdir()
    (tmp_path / "sums" / "train.jsonl").write_text('{"q": "1 + 1", "a": 2}\n{"q": "1 + 2", "a": null}\n')
    data = DataConfig(hub_id=str(tmp_path / "sums"), problem_column="q", answer_column="a")
    problems = load_problems(data, seed=0)
    assert [(row.problem, row.gold) for row in problems.train] == [("1 + 1", "2")]
    assert [row.where for row in problems.dropped] == [f"{tmp_path / 'sums'}[train], row 2"]


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    data = DataConfig(path=write(tmp_path, {"problems": "1 + 1", "sum": 2}))
    with pytest.raises(DataError) as caught:
        load_problems(data, seed=0)
    assert "has no column 'problem' (data.problem_column)" in caught.value.message
    assert "has no column 'answer' (data.answer_column)" in caught.value.message
    assert "Its columns are: problems, sum." in caught.value.message
    assert caught.value.hint == "name them: `-s data.problem_column=problems -s data.answer_column=NAME`"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mine\.jsonl: holds no rows"):
        load_problems(DataConfig(path=write(tmp_path)), seed=0)


def test_a_file_with_nothing_to_train_on_shows_why(tmp_path: Path) -> None:
    rows = [{"problem": f"{n} + 1", "answer": None} for n in range(5)]
    with pytest.raises(DataError, match=r"none of its 5 rows can be used") as caught:
        load_problems(DataConfig(path=write(tmp_path, *rows)), seed=0)
    assert caught.value.message.count("no gold answer") == 3
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (DataConfig(), "data: names no source"),
        (DataConfig(generator="python"), "data.generator: is python, but no rows were given"),
        (DataConfig(path="a.jsonl", hub_id="b/c"), "data: names several sources: path, hub_id"),
        (DataConfig(generator="one_digit_sums", num_heldout=55), "data.num_heldout: 55 of 55 pairs leaves nothing"),
        (DataConfig(hub_id="b/c", prompt_template="no place"), "does not contain {problem}"),
    ],
    ids=["none", "rows of an earlier Python run", "two", "all held out", "template"],
)
def test_a_config_that_cannot_work_is_refused(data: DataConfig, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_problems(data, seed=0)
    assert message in caught.value.message
