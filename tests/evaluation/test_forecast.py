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


PAPER = "aime24,math500,amc23,minerva,olympiadbench"


def test_the_paper_s_five_evaluations_of_one_card_take_what_was_logged():
    """Run one after the other they took 2.1 to 2.3 hours on an A40: 1,517 completions, here of 25 % of the limit.

    One stream for all of them starts once, and has one longest completion at its end.
    """
    hours = [planned("--eval", name, "--protocol", "open-rs")["hours"] for name in PAPER.split(",")]
    together = planned("--eval", PAPER, "--protocol", "open-rs")
    assert sum(together["num_completions"].values()) == 1517
    first = next(name for name in together["hours"] if name.startswith("mean 8192 tokens"))
    apart = sum(each[first] for each in hours)
    assert apart == pytest.approx(2.2, rel=0.1)
    assert 0.7 * apart < together["hours"][first] < 0.9 * apart


@pytest.mark.parametrize(
    ("benchmark", "lengths", "least", "most"),
    [("aime24", "mean=12400,cv=0.6", 600, 680), ("amc23", "mean=5500,cut=0.05", 400, 590)],
)
def test_one_benchmark_of_the_paper_with_its_own_lengths(benchmark: str, lengths: str, least: float, most: float):
    """In all, on an A40: about 640 s for AIME24, and 400 to 590 s for AMC23."""
    (hours,) = planned("--eval", benchmark, "--protocol", "open-rs", "--lengths", lengths)["hours"].values()
    assert least < 3600 * hours < most


def test_the_lengths_of_training_do_not_count():
    """The preset's 2,750 tokens were cut at 3,584, and would plan 0.7 hours for what took 2.2."""
    forecast = planned("--protocol", "open-rs")
    assert len(forecast["hours"]) == 3
    assert "sampled under 3,584 tokens" in forecast["notes"][0]
    assert planned("--lengths", "mean=8000")["notes"] == []
    assert len(planned("--lengths", "mean=8000,limit=32768")["hours"]) == 1


def test_more_completions_than_slots_wait_for_their_turn():
    """Three times as many completions beyond 128 slots, for which the KV cache of an H200 has room at 300 tokens."""
    short = ("--eval", "gsm8k", "--gpu", "h200", "--lengths", "mean=300,cv=0.6")
    (once,) = planned(*short, "--protocol", "open-rs")["hours"].values()
    (thrice,) = planned(*short, "--protocol", "sober")["hours"].values()
    assert thrice - 150 / 3600 > 2.2 * (once - 150 / 3600)


def test_a_model_that_leaves_no_room_is_said_not_to_fit():
    arguments = ["plan", "--eval", "aime24", "--gpu", "rtx3060-12", "-s", "model.id=Qwen/Qwen2.5-7B-Instruct"]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "does not fit" in printed


@pytest.mark.parametrize(("more", "said"), [(["--protocol", "robst"], "robst"), (["--eval", "aime42"], "aime42")])
def test_what_is_unknown_is_named(more: list[str], said: str):
    error = CliRunner().invoke(app, ["plan", "--gpu", "a40", "--eval", "aime24", *more]).exception
    assert isinstance(error, ConfigError)
    assert said in error.message


@pytest.mark.parametrize(("more", "is_asked"), [([], True), (["--lengths", "mean=7000,cv=1.2"], False)])
def test_lengths_are_asked_for_only_where_none_were_given(more: list[str], is_asked: bool):
    printed = CliRunner().invoke(app, ["plan", "--eval", "aime24", "--gpu", "a40", *more], catch_exceptions=False)
    assert ("gives your model's lengths" in printed.stdout) is is_asked
