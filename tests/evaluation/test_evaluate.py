"""`leanrl eval` on a tiny model: files, going on after a kill, questions that differ, and bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, DataError, LeanRLError, MissingError
from tests.tiny_model import make_tiny_model

ROWS = [{"id": f"p{number}", "problem": f"{number} + {number}", "answer": str(2 * number)} for number in range(6)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("eval") / "tiny")


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "sums.jsonl", ROWS)


def write_rows(path: Path, rows: list[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def flags(model: Path, sums: Path, out: Path, *more: str) -> list[str]:
    fixed = ("--engine", "hf", "--max-tokens", "12", "--out", str(out))
    return ["eval", str(model), "--benchmarks", str(sums), *fixed, *more]


def evaluate(*arguments: str) -> str:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False).stdout


def error_of(*arguments: str) -> LeanRLError:
    error = CliRunner().invoke(app, list(arguments)).exception
    assert isinstance(error, LeanRLError)
    return error


def records(out: Path) -> dict[tuple[str, int], dict]:
    lines = (out / "completions.jsonl").read_text().splitlines()
    found = {(each["id"], each["sample"]): each for each in map(json.loads, lines)}
    assert len(found) == len(lines)
    return {key: {name: value for name, value in each.items() if name != "seconds"} for key, each in found.items()}


def test_an_evaluation_leaves_question_completions_and_scores(model: Path, sums: Path, tmp_path: Path):
    out = tmp_path / "out"
    printed = json.loads(evaluate(*flags(model, sums, out, "--samples", "3", "--json")))
    asked = json.loads((out / "evaluation.json").read_text())
    assert asked["protocol"]["name"] == "robust"
    assert asked["protocol"]["max_completion_tokens"] == 12
    assert asked["benchmarks"]["sums"]["num_samples"] == 3
    assert asked["model"]["kind"] == "folder"
    assert asked["dtype"] == "float32"
    assert len(asked["model"]["fingerprint"]) == 64
    assert len(records(out)) == 18
    scores = json.loads((out / "scores.json").read_text())
    assert printed == {"folder": str(out), **scores}
    assert scores["benchmarks"]["sums"]["num_problems"] == 6
    assert scores["benchmarks"]["sums"]["mean_tokens"] <= 12
    assert asked["starts"][0]["num_drawn"] == 18
    assert 0 < asked["starts"][0]["busy_slots_share"] <= 1


def test_the_same_command_draws_nothing_a_second_time(model: Path, sums: Path, tmp_path: Path):
    out = tmp_path / "out"
    evaluate(*flags(model, sums, out))
    before = (out / "completions.jsonl").read_bytes()
    result = CliRunner().invoke(app, flags(model, sums, out), catch_exceptions=False)
    assert "nothing is drawn" in result.stderr
    assert (out / "completions.jsonl").read_bytes() == before


@pytest.mark.parametrize("cut_bytes", [0, 1, 40])
def test_what_is_missing_is_drawn_alike(model: Path, sums: Path, tmp_path: Path, cut_bytes: int):
    """A file that a kill cut within a line, or at its end, is completed with what a whole evaluation has."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for out in (whole, cut):
        evaluate(*flags(model, sums, out, "--samples", "2"))
    lines = (cut / "completions.jsonl").read_bytes().splitlines(keepends=True)
    (cut / "completions.jsonl").write_bytes(b"".join(lines[:5])[: -cut_bytes or None])
    evaluate(*flags(model, sums, cut, "--samples", "2"))
    assert records(cut) == records(whole)


def test_both_graders_are_stored_where_they_are_asked_for(model: Path, sums: Path, tmp_path: Path):
    one, both = tmp_path / "one", tmp_path / "both"
    evaluate(*flags(model, sums, one))
    evaluate(*flags(model, sums, both, "--grader", "math-verify"))
    assert {each["math_verify"] for each in records(one).values()} == {None}
    assert {type(each["math_verify"]) for each in records(both).values()} == {bool}
    assert "grader is 'leanrl', and was 'leanrl, math-verify'" in error_of(*flags(model, sums, both)).message


def test_a_killed_evaluation_goes_on(model: Path, tmp_path: Path):
    sums, out = write_rows(tmp_path / "many.jsonl", ROWS), tmp_path / "out"
    command = flags(model, sums, out, "--samples", "40", "--max-tokens", "60")
    started = subprocess.Popen([sys.executable, "-m", "leanrl", *command], stderr=subprocess.DEVNULL)
    completions = out / "completions.jsonl"
    deadline = time.monotonic() + 120
    while not (completions.exists() and completions.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    num_before = completions.read_bytes().count(b"\n")
    evaluate(*command)
    assert 0 < num_before < 240
    assert len(records(out)) == 240
    assert json.loads((out / "evaluation.json").read_text())["starts"][-1]["num_drawn"] == 240 - num_before


def test_another_question_is_refused_with_what_differs(model: Path, sums: Path, tmp_path: Path):
    out = tmp_path / "out"
    evaluate(*flags(model, sums, out))
    error = error_of(*flags(model, sums, out, "--protocol", "open-rs"))
    assert isinstance(error, ConfigError)
    assert "protocol.temperature is 0.6, and was 0.8" in error.message
    assert "protocol.name is 'open-rs', and was 'robust'" in error.message
    assert "--out" in error.hint


def test_a_benchmark_that_changed_since_is_refused(model: Path, sums: Path, tmp_path: Path):
    out = tmp_path / "out"
    evaluate(*flags(model, sums, out))
    write_rows(sums, [{**ROWS[0], "answer": "1"}, *ROWS[1:]])
    assert "benchmarks.sums.sha256" in error_of(*flags(model, sums, out)).message


def test_a_further_benchmark_joins_the_folder(model: Path, sums: Path, tmp_path: Path):
    out, more = tmp_path / "out", write_rows(tmp_path / "more.jsonl", ROWS[:2])
    evaluate(*flags(model, sums, out))
    evaluate(*flags(model, more, out))
    assert set(json.loads((out / "evaluation.json").read_text())["benchmarks"]) == {"sums", "more"}
    assert set(json.loads((out / "scores.json").read_text())["benchmarks"]) == {"sums", "more"}


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        (("--samples", "0"), ConfigError, "--samples is 0"),
        (("--protocol", "greedy", "--samples", "4"), ConfigError, "all would be equal"),
        (("--limit", "0"), ConfigError, "--limit is 0"),
        (("--max-tokens", "0"), ConfigError, "--max-tokens is 0"),
        (("--protocol", "robst"), ConfigError, "robst"),
        (("--benchmarks", "aime42"), ConfigError, "aime42"),
        (("--benchmarks", " , "), ConfigError, "--benchmarks names none"),
    ],
)
def test_what_cannot_be_asked_is_said_at_once(
    model: Path, sums: Path, tmp_path: Path, more: tuple[str, ...], kind: type[LeanRLError], said: str
):
    error = error_of(*flags(model, sums, tmp_path / "out", *more))
    assert isinstance(error, kind)
    assert said in error.message
    assert error.hint
    assert not (tmp_path / "out").exists()


def test_a_broken_line_is_named(model: Path, sums: Path, tmp_path: Path):
    out = tmp_path / "out"
    evaluate(*flags(model, sums, out))
    lines = (out / "completions.jsonl").read_text().splitlines(keepends=True)
    (out / "completions.jsonl").write_text("".join([lines[0], "{broken\n", *lines[1:]]))
    error = error_of(*flags(model, sums, out))
    assert isinstance(error, DataError)
    assert "completions.jsonl, line 2" in error.message
    assert "sed -i 2d" in error.hint


def test_a_folder_of_something_else_is_left_alone(model: Path, sums: Path, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    assert "is no evaluation" in error_of(*flags(model, sums, out)).message
    assert [path.name for path in out.iterdir()] == ["mine.txt"]


def test_a_model_that_is_nowhere(sums: Path, tmp_path: Path):
    error = error_of(*flags(Path("nobody/nothing-here"), sums, tmp_path / "out"))
    assert isinstance(error, MissingError)
    assert "nobody/nothing-here" in error.message


def test_the_list_names_benchmarks_and_protocols():
    printed = evaluate("eval", "--list")
    assert "olympiadbench" in printed
    assert "robust" in printed
    assert set(json.loads(evaluate("eval", "--list", "--json"))) == {"benchmarks", "protocols"}


def test_pinning_writes_benchmark_files(tmp_path: Path):
    write_rows(tmp_path / "aime24.jsonl", ROWS)
    data = ("--benchmarks", "aime24", "--data-dir", str(tmp_path))
    printed = evaluate("eval", "--pin", *data, "--out", str(tmp_path / "pinned"))
    assert printed.strip() == str(tmp_path / "pinned" / "aime24.yaml")
    assert "sha256: " in (tmp_path / "pinned" / "aime24.yaml").read_text()
