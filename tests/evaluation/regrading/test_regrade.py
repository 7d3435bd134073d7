"""`leanrl eval EVALUATION --grader math-verify`: kept completions get a second grader's verdicts, without a model."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, DataError
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.evaluation.regrading import regrade
from tests.evaluation.test_endpoint import Reply, completion, error_of, server

ROWS = [{"id": f"p{number}", "problem": f"{number} + {number}", "answer": str(2 * number)} for number in range(3)]


def answer_with_and_without_box(_: int, body: dict) -> Reply:
    """Answer rightly, but for the problem of 1 in no box, which math-verify takes and leanrl does not."""
    number = int(body["messages"][-1]["content"].split()[-1])
    return completion(str(2 * number) if number == 1 else rf"\boxed{{{2 * number}}}")


@pytest.fixture
def evaluated(tmp_path: Path) -> tuple[Path, list[str]]:
    """Draw two completions of each problem from a server that is gone afterwards; return folder and command."""
    sums, out = tmp_path / "sums.jsonl", tmp_path / "out"
    sums.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    with server(answer_with_and_without_box) as (address, _):
        fixed = ["--benchmarks", str(sums), "--samples", "2", "--out", str(out)]
        command = ["eval", "tiny", "--endpoint", address, *fixed]
        CliRunner().invoke(app, command, catch_exceptions=False)
    return out, command


def again(out: Path, *more: str) -> list[str]:
    return ["eval", str(out), "--grader", "math-verify", "--benchmarks", str(out.parent / "sums.jsonl"), *more]


def test_verdicts_are_added_beside_those_of_leanrl(evaluated: tuple[Path, list[str]]):
    out, command = evaluated
    before, scores = (out / "completions.jsonl").read_bytes(), json.loads((out / "scores.json").read_text())
    result = CliRunner().invoke(app, again(out, "--json"), catch_exceptions=False)
    assert "math-verify grades 6 of 6 completions; no model is asked" in result.stderr
    assert (out / "completions.jsonl").read_bytes() == before
    found = json.loads(result.stdout)["benchmarks"]["sums"]
    assert found == {**scores["benchmarks"]["sums"], "math_verify_accuracy": 1.0}
    assert found["accuracy"] == pytest.approx(2 / 3)
    saved = json.loads((out / "evaluation.json").read_text())
    assert saved["grader"] == "leanrl, math-verify"
    assert "math-verify" in saved["graded_by_math_verify"]["versions"]
    exported = json.loads((out / "exports" / "lighteval.json").read_text())
    assert exported["results"]["leanrl|sums|0"]["extractive_match"] == 1.0
    # The command of the evaluation goes on with both graders, and asks the server, which is gone, for nothing.
    result = CliRunner().invoke(app, [*command, "--grader", "math-verify"], catch_exceptions=False)
    assert "nothing is drawn" in result.stderr
    assert "math-verify" in result.stdout.splitlines()[0]
    assert "add `--grader math-verify`" in error_of(command).hint


def test_a_second_time_and_after_a_kill_only_what_is_missing_is_graded(
    evaluated: tuple[Path, list[str]], monkeypatch: pytest.MonkeyPatch
):
    out, _ = evaluated
    CliRunner().invoke(app, again(out), catch_exceptions=False)
    file = EvaluationFolder(out).math_verify
    whole, scores = file.read_bytes(), (out / "scores.json").read_bytes()
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[:4])[:-9])  # cut within a line
    num_graded: list[int] = []
    plain = regrade.judged_by_math_verify

    def counted(grader, lettered, batch):
        num_graded.append(len(batch))
        return plain(grader, lettered, batch)

    monkeypatch.setattr(regrade, "judged_by_math_verify", counted)
    CliRunner().invoke(app, again(out), catch_exceptions=False)
    assert (num_graded, file.read_bytes(), (out / "scores.json").read_bytes()) == ([3], whole, scores)
    result = CliRunner().invoke(app, again(out), catch_exceptions=False)
    assert "math-verify has graded all 6 completions" in result.stderr
    assert num_graded == [3]


def test_what_cannot_be_graded_is_refused_and_nothing_is_written(evaluated: tuple[Path, list[str]]):
    out, command = evaluated
    before = {path: path.read_bytes() for path in out.rglob("*.json*")}
    error = error_of([*command, "--grader", "math-verify"])
    assert f"`leanrl eval {out} --grader math-verify` grades what is there, without a model" in error.hint
    error = error_of(["eval", str(out)])
    assert isinstance(error, ConfigError)
    assert "is no model but an evaluation" in error.message
    assert f"leanrl eval {out} --grader math-verify" in error.hint
    error = error_of(["eval", str(out), "--grader", "math-verify"])
    assert "sums: does not come with leanrl" in error.message
    assert "--limit would do nothing" in error_of(again(out, "--limit", "2")).message
    error = error_of([*again(out)[:-1], f"{again(out)[-1]},aime24"])
    assert "aime24: is no benchmark of this evaluation" in error.message
    sums = out.parent / "sums.jsonl"
    sums.write_text(sums.read_text().replace('"4"', '"5"'))
    error = error_of(again(out))
    assert isinstance(error, DataError)
    assert "the problems of sums are not those" in error.message
    sums.write_text("".join(json.dumps({**row, "id": f"q{row['id']}"}) + "\n" for row in ROWS))
    assert "6 completions of problems that the data lacks" in error_of(again(out)).message
    assert {path: path.read_bytes() for path in out.rglob("*.json*")} == before


def test_an_evaluation_that_is_not_finished_is_finished_first(evaluated: tuple[Path, list[str]]):
    out, _ = evaluated
    lines = (out / "completions.jsonl").read_bytes().splitlines(keepends=True)
    (out / "completions.jsonl").write_bytes(b"".join(lines[:5]))
    error = error_of(again(out))
    assert isinstance(error, DataError)
    assert "is not finished" in error.message
    assert not EvaluationFolder(out).math_verify.exists()


def test_a_broken_verdict_is_named(evaluated: tuple[Path, list[str]]):
    out, _ = evaluated
    EvaluationFolder(out).math_verify.write_text('{"math_verify": "yes"}\n')
    assert "math_verify.jsonl, line 1" in error_of(again(out)).message
