"""`leanrl plan --eval`: completions by the protocol, bytes on the card, hours by length."""

import json

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError
from leanrl.planner.models.known_models import find_shape

MODEL = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"


def planned(*more: str) -> dict:
    arguments = ["plan", "--eval", "aime24,math500", "--gpu", "a40", "--json", *more]
    return json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)


def test_completions_and_bytes_are_those_of_the_question():
    """robust asks 16 of each of 30 problems and 4 of each of 500; bf16 weights have 2 bytes a parameter."""
    forecast = planned()
    assert forecast["num_completions"] == {"aime24": 480, "math500": 2000}
    assert forecast["weight_bytes"] == 2 * find_shape(MODEL).num_params
    assert forecast["fits"]
    assert forecast["num_sequences"] == forecast["kv_bytes"] // (28_672 * (512 + 32_768))


def test_longer_completions_and_more_of_them_take_longer():
    short, long = (planned("--lengths", f"mean={mean},cv=0.6")["hours"] for mean in (2000, 8000))
    (short_hours,), (long_hours,) = short.values(), long.values()
    assert long_hours > 3 * short_hours
    (once,) = planned("--lengths", "mean=8000,cv=0.6", "--protocol", "open-rs")["hours"].values()
    assert once < long_hours / 2


def test_a_model_that_leaves_no_room_is_said_not_to_fit():
    arguments = ["plan", "--eval", "aime24", "--gpu", "rtx3060-12", "-s", "model.id=Qwen/Qwen2.5-7B-Instruct"]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "does not fit" in printed


@pytest.mark.parametrize(("more", "said"), [(["--protocol", "robst"], "robst"), (["--eval", "aime42"], "aime42")])
def test_what_is_unknown_is_named(more: list[str], said: str):
    error = CliRunner().invoke(app, ["plan", "--gpu", "a40", "--eval", "aime24", *more]).exception
    assert isinstance(error, ConfigError)
    assert said in error.message
