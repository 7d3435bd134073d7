"""Folders as data.path: which of their files are read, in which order, and what is refused."""

import gzip
import json
from pathlib import Path

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.load import load_problems
from leanrl.errors import DataError
from leanrl.types import ProblemSet


def _load(folder: Path, *names: str, **keys: str) -> ProblemSet:
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"problem": f"{name}?", "answer": number}).encode()
        (folder / name).write_bytes(gzip.compress(line) if name.endswith(".gz") else line)
    return load_problems(DataConfig.model_validate({"path": str(folder), **keys}), seed=0)


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (("b.jsonl", "a.jsonl"), ["a.jsonl?", "b.jsonl?"]),
        (("deep/b.jsonl", "a.jsonl", "README.md", ".hidden.jsonl", "_part.jsonl"), ["a.jsonl?", "deep/b.jsonl?"]),
        (("train-1.jsonl", "train-0.jsonl", "test.jsonl", "val/a.jsonl"), ["train-0.jsonl?", "train-1.jsonl?"]),
        (("a.jsonl", "dataset_infos.json"), ["a.jsonl?"]),
        (("a.jsonl.gz", "b.jsonl"), ["a.jsonl.gz?", "b.jsonl?"]),
    ],
)
def test_the_files_that_are_read(tmp_path: Path, names: tuple[str, ...], read: list[str]) -> None:
    problems = _load(tmp_path, *names)
    assert [row.problem for row in problems.train] == read
    assert problems.lines[0].startswith(f"{tmp_path}: read {read[0][:-1]}")


def test_another_split_and_what_it_leaves_out(tmp_path: Path) -> None:
    problems = _load(tmp_path, "train.jsonl", "dev.jsonl", split="validation")
    assert [row.problem for row in problems.train] == ["dev.jsonl?"]
    assert problems.lines == [f"{tmp_path}: read dev.jsonl; left out train.jsonl, for data.split is validation"]


@pytest.mark.parametrize(
    ("names", "said", "hint"),
    [
        ((), "a folder without files of rows", "-s data.hub_id="),
        (("README.md",), "a folder without files of rows", "-s data.path=FILE"),
        (("test.jsonl",), "whose files are of the splits test; data.split is train", "-s data.split=test"),
        (("a.jsonl", "a.json"), "files of several kinds, which may hold the same rows twice", "a.json`"),
    ],
)
def test_what_is_refused(tmp_path: Path, names: tuple[str, ...], said: str, hint: str) -> None:
    with pytest.raises(DataError) as caught:
        _load(tmp_path, *names)
    assert said in str(caught.value)
    assert hint in str(caught.value.hint)
