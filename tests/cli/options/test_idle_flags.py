"""Options that would do nothing beside another one, or without one."""

import json

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, DataError

RUN_ONLY = ["--fit", "--exact", "--details", "--measure", "--from=runs/x", "--plugin=x.py"]
OF_A_RUN_OR_AN_EVALUATION = ["--strict", "--lengths=mean=9", "--eval=amc23", "--protocol=sober"]


@pytest.mark.parametrize(
    ("beside", "idle"),
    [
        *(("--eval=aime24", flag) for flag in RUN_ONLY),
        *(("--largest", flag) for flag in [*RUN_ONLY, *OF_A_RUN_OR_AN_EVALUATION]),
        ("--gpu=a40", "--protocol=greedy"),
        ("--lengths=mean=600", "--measure"),
    ],
)
def test_a_flag_that_would_do_nothing_is_refused(beside, idle):
    error = CliRunner().invoke(app, ["plan", "-p", "single-gpu-lora", beside, idle]).exception
    assert isinstance(error, ConfigError), error
    assert error.message.endswith(f": {idle.partition('=')[0]} would do nothing.")


@pytest.mark.parametrize(
    ("words", "idle"),
    [
        *((f"merge x --inspect {flag}", flag) for flag in ("--out=y", "--adapter=a", "--gguf=F16", "--push=a/b")),
        *((f"merge x --out y {flag}", flag) for flag in ("--public", "--yes")),
        *((f"eval --list {flag}", flag) for flag in ("--pin", "--benchmarks=amc23", "--limit=3", "--out=x")),
        ("eval x --list", "MODEL"),
        *((f"eval --pin --out x {flag}", flag) for flag in ("--samples=2", "--endpoint=http://x", "--limit=3")),
        ("eval x --select-samples 3", "--select-samples"),
        ("eval x --endpoint http://127.0.0.1:9/v1 --engine hf", "--engine"),
        ("compare --list --force", "--force"),
        ("compare --list x", "EVALUATION"),
        ("report x --port 8000", "--port"),
        *((f"report x --serve {flag}", flag) for flag in ("--out=y", "--json")),
        ("doctor --constraints default --json", "--json"),
    ],
)
def test_so_it_is_in_every_other_command(words, idle):
    error = CliRunner().invoke(app, words.split()).exception
    assert isinstance(error, ConfigError), error
    assert error.message.endswith(f": {idle.partition('=')[0]} would do nothing.")


def test_strict_judges_an_evaluation_too():
    evaluation = ["plan", "-p", "single-gpu-lora", "--eval", "aime24", "--strict"]
    assert CliRunner().invoke(app, [*evaluation, "--gpu", "a40"]).exit_code == 0
    refused = CliRunner().invoke(app, [*evaluation, "--vram", "4"])
    assert refused.exit_code == 3
    assert "it does not fit" in refused.stdout


def test_an_evaluation_on_a_file_of_problems_counts_them(tmp_path):
    file = tmp_path / "mine.jsonl"
    file.write_text('{"problem": "1 + 1", "answer": "2"}\n{"problem": "1 + 2", "answer": "3"}\n')
    asked = ["plan", "-p", "single-gpu-lora", "--gpu", "a40", "--eval", str(file), "--protocol", "greedy", "--json"]
    assert json.loads(CliRunner().invoke(app, asked).stdout)["num_completions"] == {"mine": 2}
    file.write_text('{"frage": "1 + 1", "answer": "2"}\n')
    error = CliRunner().invoke(app, asked).exception
    assert isinstance(error, DataError)
    assert error.hint == "name them: `problem_column: NAME` in a benchmark's .yaml"
