"""`leanrl data decontaminate`: the table, JSON, and benchmarks that are not at hand."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import DataError, MissingError
from tests.curation.decontamination.problems import FERRY, FERRY_IN_A_LIST, KITE


def write_rows(path: Path, *problems: str) -> Path:
    path.write_text("".join(json.dumps({"problem": problem, "answer": "5"}) + "\n" for problem in problems))
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return write_rows(tmp_path / "rows.jsonl", KITE, FERRY_IN_A_LIST), write_rows(tmp_path / "exam.jsonl", FERRY)


def test_the_table_shows_a_leak_beside_its_problem(files: tuple[Path, Path], tmp_path: Path):
    rows, exam = files
    arguments = ["data", "decontaminate", str(rows), "--against", str(exam), "--out", str(tmp_path / "clean.jsonl")]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "1 of 2 rows leak" in printed
    assert "training:   Problem 7 (hard). A ferry" in printed
    assert "evaluation: A ferry" in printed
    assert len((tmp_path / "clean.jsonl").read_text().splitlines()) == 1


def test_json_has_counts_alone_on_stdout(files: tuple[Path, Path]):
    rows, exam = files
    arguments = ["data", "decontaminate", str(rows), "--against", str(exam), "--json"]
    answer = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)
    assert (answer["num_rows"], answer["num_dropped"], answer["num_dropped_by_set"]) == (2, 1, {"exam": 1})
    assert answer["evaluation_problems"]["exam"]["contained"] == 1


@pytest.mark.parametrize(
    ("name", "column", "said", "hint"),
    [
        ("rows.jsonl", "probl", "has no column 'probl' (--problem-column)", "`--problem-column problem`"),
        ("absent.jsonl", "problem", "FILE is ", "`FILE.jsonl`"),
    ],
)
def test_what_is_wrong_is_said_in_the_options_of_the_command(
    files: tuple[Path, Path], name: str, column: str, said: str, hint: str
):
    file = str(files[0].with_name(name))
    arguments = ["data", "decontaminate", file, "--against", str(files[1]), "--problem-column", column]
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, DataError)
    assert said in error.message
    assert hint in error.hint


def test_benchmarks_that_are_not_at_hand(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for place in ("data.load", "evaluation.benchmark_data"):
        monkeypatch.setattr(f"leanrl.{place}.read_hub_source", _unreachable)
    write_rows(tmp_path / "aime24.jsonl", FERRY)
    arguments = ["data", "decontaminate", str(files[0]), "--data-dir", str(tmp_path)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "1 of 2 rows leak" in result.stdout
    assert "left out: The benchmark amc23 is not at hand" in result.stderr
    error = CliRunner().invoke(app, [*arguments, "--against", "amc23"]).exception
    assert isinstance(error, MissingError)
    assert "--data-dir" in error.hint


def _unreachable(*_: object, **__: object) -> None:
    raise MissingError("the Hub cannot be reached")


def test_half_a_surrogate_pair_stays_as_it_was_spelled(files: tuple[Path, Path], tmp_path: Path):
    rows, exam = files
    rows.write_text('{"problem": "\\ud800 1 + 1", "answer": "2"}\n')
    arguments = ["data", "decontaminate", str(rows), "--against", str(exam), "--out", str(tmp_path / "clean.jsonl")]
    CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (tmp_path / "clean.jsonl").read_text() == rows.read_text()


def test_a_file_that_breaks_midway_leaves_no_half_of_its_result(files: tuple[Path, Path], tmp_path: Path):
    rows, exam = files
    rows.write_text(rows.read_text() * 300 + "broken\n")
    out = tmp_path / "out" / "clean.jsonl"
    error = CliRunner().invoke(app, ["data", "decontaminate", str(rows), "--against", str(exam), "--out", str(out)])
    assert "rows.jsonl:601: not valid JSON" in error.exception.message
    assert not list(out.parent.glob("*"))
