"""Decontamination of files: what stays, what is listed, and that nothing is overwritten."""

import json
from pathlib import Path

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.curation.decontamination.files import decontaminate
from leanrl.errors import ConfigError, DataError
from tests.curation.decontamination.problems import EVALUATION, FERRY_IN_A_LIST, KITE


def write_rows(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_that_stay_are_whole_and_leaks_are_listed(tmp_path: Path):
    rows = [{"problem": KITE, "answer": 120, "level": "easy"}, {"problem": FERRY_IN_A_LIST, "answer": "5"}]
    file, out = write_rows(tmp_path / "rows.jsonl", rows), tmp_path / "new" / "clean.jsonl"
    found = decontaminate(file, EVALUATION, data=DataConfig(), out=out)
    assert (found.num_rows, found.num_dropped, found.num_dropped_by_set) == (2, 1, {"ferries": 1, "chords": 0})
    assert read_rows(out) == rows[:1]
    (leak,) = read_rows(out.with_name("clean.jsonl.leaks.jsonl"))
    assert leak["row"].endswith("rows.jsonl:2")
    assert (leak["training_problem"], leak["evaluation_problem"]) == (FERRY_IN_A_LIST, EVALUATION[0].text)
    assert (leak["evaluation_id"], leak["same_answer"], leak["containment"]) == ("f1", True, 1.0)


def test_conversations_and_usual_columns_are_read(tmp_path: Path):
    rows = [{"prompt": [{"role": "user", "content": FERRY_IN_A_LIST}], "ground_truth": "5"}]
    found = decontaminate(write_rows(tmp_path / "rows.jsonl", rows), EVALUATION, data=DataConfig())
    assert found.num_dropped == 1
    assert found.examples[0][1].same_answer is True


def test_rows_without_an_answer_or_a_problem_are_kept(tmp_path: Path):
    rows = [{"problem": KITE}, {"problem": None}, {"problem": FERRY_IN_A_LIST}]
    out = tmp_path / "clean.jsonl"
    found = decontaminate(write_rows(tmp_path / "rows.jsonl", rows), EVALUATION, data=DataConfig(), out=out)
    assert (found.num_rows, found.num_dropped) == (3, 1)
    assert read_rows(out) == rows[:2]


@pytest.mark.parametrize("taken", ["clean.jsonl", "clean.jsonl.leaks.jsonl"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str):
    file = write_rows(tmp_path / "rows.jsonl", [{"problem": KITE, "answer": "120"}])
    (tmp_path / taken).write_text("mine")
    with pytest.raises(ConfigError, match="there already"):
        decontaminate(file, EVALUATION, data=DataConfig(), out=tmp_path / "clean.jsonl")
    assert (tmp_path / taken).read_text() == "mine"


def test_a_file_without_the_column_names_those_it_has(tmp_path: Path):
    file = write_rows(tmp_path / "rows.jsonl", [{"task": KITE}])
    with pytest.raises(DataError, match="task"):
        decontaminate(file, EVALUATION, data=DataConfig())
