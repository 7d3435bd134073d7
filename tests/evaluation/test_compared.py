"""`leanrl compare` on what `leanrl eval` wrote."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError
from tests.evaluation.test_evaluate import ROWS, evaluate, flags, write_rows
from tests.tiny_model import make_tiny_model


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Evaluate one model twice, the second time with shorter completions and math-verify beside."""
    folder = tmp_path_factory.mktemp("compared")
    model, sums = make_tiny_model(folder / "tiny"), write_rows(folder / "sums.jsonl", ROWS)
    asked = {"one": (), "both_graders": ("--grader", "math-verify"), "short": ("--max-tokens", "5")}
    for name, more in asked.items():
        evaluate(*flags(model, sums, folder / name, "--samples", "2", *more))
    return {name: folder / name for name in asked}


def test_two_evaluations_of_one_kind_are_compared(evaluated: dict[str, Path]):
    words = ["compare", str(evaluated["one"]), str(evaluated["both_graders"]), "--json"]
    (found,) = json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)["comparisons"]
    assert found["disagreements"] == []
    assert found["benchmarks"]["sums"]["num_problems"] == 6
    assert found["benchmarks"]["sums"]["num_samples"] == [2, 2]
    assert "no difference was shown" in found["benchmarks"]["sums"]["sentence"]


def test_shorter_completions_are_another_protocol(evaluated: dict[str, Path]):
    words = ["compare", str(evaluated["one"]), str(evaluated["short"])]
    error = CliRunner().invoke(app, words).exception
    assert isinstance(error, ConfigError)
    assert "protocol.max_completion_tokens: 12 and 5" in error.message
    forced = CliRunner().invoke(app, [*words, "--force"], catch_exceptions=False)
    assert "FORCED, not a fair comparison: protocol.max_completion_tokens: 12 and 5" in forced.stdout
