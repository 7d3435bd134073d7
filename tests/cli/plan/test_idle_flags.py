"""Flags of `leanrl plan` that would do nothing beside another one."""

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError

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
    assert f"given: {idle.partition('=')[0]}." in error.message


def test_strict_judges_an_evaluation_too():
    evaluation = ["plan", "-p", "single-gpu-lora", "--eval", "aime24", "--strict"]
    assert CliRunner().invoke(app, [*evaluation, "--gpu", "a40"]).exit_code == 0
    refused = CliRunner().invoke(app, [*evaluation, "--vram", "4"])
    assert refused.exit_code == 3
    assert "it does not fit" in refused.stdout
