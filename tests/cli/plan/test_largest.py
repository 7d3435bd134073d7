"""`leanrl plan --largest`: the tables, and that a row applied as a command fits."""

import json
import shlex

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, MissingError, NoFormulaError
from leanrl.planner.search.largest import COMMON_CARDS, METHODS

CONFIG = {
    "model_type": "qwen3",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 1000,
    "max_position_embeddings": 6000,
}


def run(*arguments):
    return CliRunner().invoke(app, ["plan", *arguments])


def printed(*arguments):
    result = run(*arguments)
    assert result.exit_code == 0, result.exception
    return result.stdout


def tables(*arguments):
    return json.loads(printed("--largest", *arguments, "--json"))


def assert_fits(command):
    words = shlex.split(command)
    assert words[:2] == ["leanrl", "plan"]
    assert json.loads(printed(*words[2:], "--json"))["verdict"] == "fits", command


@pytest.fixture(scope="module")
def ten():
    return tables()


def test_without_a_card_the_ten_common_ones(ten):
    assert [table["card"] for table in ten] == list(COMMON_CARDS)
    assert len(ten) == 10
    lines = printed("--largest").splitlines()
    assert lines[0].split()[:4] == ["card", "full", "LoRA", "QLoRA"]
    for table, line in zip(ten, lines[1:], strict=False):
        for row in table["rows"]:
            assert f"{row['model'].rsplit('/', 1)[-1]}, {row['completion_tokens']:,}" in line


@pytest.mark.parametrize("name", COMMON_CARDS)
def test_a_row_of_the_ten_as_a_command(ten, name):
    (table,) = (table for table in ten if table["card"] == name)
    for row in table["rows"]:
        assert_fits(row["command"])


@pytest.mark.parametrize(
    "flags",
    [
        ("--gpu", "NVIDIA GeForce RTX 4070 Ti SUPER"),
        ("--gpu", "t4"),
        ("--gpu", "mi300x"),
        ("--vram", "10"),
        ("--gpu", "a100", "--num-gpus", "4"),
        ("-p", "a40x4-full-exp2", "--gpu", "a6000"),
        ("--gpu", "4090", "-s", "rollout.max_completion_tokens=1024", "-s", "model.tuning.rank=8"),
        ("-s", "hardware.gpu=5070"),
    ],
    ids=lambda flags: " ".join(flags),
)
def test_rows_of_a_card_as_commands(flags):
    """The table has a line and a command for each method."""
    (table,) = tables(*flags)
    found = [row for row in table["rows"] if row["model"] is not None]
    assert [row["method"] for row in table["rows"]] == list(METHODS)
    assert found
    text = printed("--largest", *flags)
    for row in found:
        assert row["model"] in text
        assert row["command"] in text
        assert_fits(row["command"])


def test_a_name_of_two_sizes_is_said():
    result = run("--largest", "--gpu", "A100")
    assert "A100 may be a100-40 or a100-80: planned for the smaller, a100-40." in result.stderr


def test_the_longest_completions_of_a_model_of_ones_own(tmp_path):
    """config.json says 6,000 positions, of which a prompt takes 512."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (table,) = tables("--gpu", "4090", "-s", f"model.id={tmp_path}")
    assert {row["model"] for row in table["rows"]} == {str(tmp_path)}
    assert {(row["completion_tokens"], row["ends_context"]) for row in table["rows"]} == {(5488, True)}
    for row in table["rows"]:
        assert_fits(row["command"])


def test_a_model_without_a_formula_is_named(tmp_path):
    """Its plan is a simulation for each setting: too dear for a search."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"model_type": "of_tomorrow"}))
    result = run("--largest", "--gpu", "4090", "-s", f"model.id={tmp_path}")
    assert isinstance(result.exception, NoFormulaError)
    assert "has no formula" in result.exception.message
    assert result.exception.hint


@pytest.mark.parametrize(
    ("flags", "error", "says"),
    [
        (("--gpu", "rtx390"), ConfigError, "Did you mean 'rtx3090'"),
        (("--vram", "0"), ConfigError, "hardware.vram_gib: must be a number > 0"),
        (("-p", "cpu-demo"), ConfigError, "trains on a CPU"),
        (("--gpu", "4090", "--fit"), ConfigError, "--fit"),
        (("--gpu", "4090", "-p", "single-gpu-lora", "-s", "rollout.max_model_tokens=100"), ConfigError, "do not fit"),
        (("--gpu", "4090", "-s", "model.id=/no/such/model"), MissingError, "model.id"),
        (("--gpu", "4090", "--num-gpus", "0"), ConfigError, "0 cards hold nothing"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_bad_input(flags, error, says):
    result = run("--largest", *flags)
    assert isinstance(result.exception, error)
    assert says in str(result.exception)
