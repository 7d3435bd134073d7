"""Help and usage errors in plain words, and exit codes that a script can use."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from leanrl.errors import ConfigError, DataError, DoesNotFitError, LeanRLError, MissingError, RewardError, StoppedError
from tests.cli.commands import all_commands
from tests.cli.run import leanrl

ROOT = Path(__file__).parents[2]
COMMANDS = [words for words, command in all_commands().items() if not hasattr(command, "commands")]


@pytest.mark.parametrize("words", all_commands(), ids=" ".join)
def test_no_type_of_python_is_in_the_help(words):
    outcome = leanrl(*words, "--help")
    assert outcome.code == 0
    assert re.findall(r"<[^>]*>", outcome.out) == []
    described = outcome.out.partition("\n")[2].replace("RUN...", "")
    assert "..." not in described  # no sentence is cut


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "--num-gpus", "two"], "'--num-gpus': `two` should be a whole number"),
        (["plan", "--num-gpus=two"], "'--num-gpus': `two` should be a whole number"),
        (["sample", "x", "y", "--temperature", "hot"], "'--temperature': `hot` should be a number"),
        (["sample", "x", "y", "--temperature=-1"], "'--temperature': `-1` should be greater than or equal to 0"),
        (["sample", "x", "y", "--max-tokens", "0"], "'--max-tokens': `0` should be greater than or equal to 1"),
        (["grade", "x", "--mode", "loose"], "'--mode': 'loose' is not one of 'strict', 'lenient'."),
    ],
)
def test_a_typing_error_shows_the_value(words, said):
    outcome = leanrl(*words)
    assert outcome.code == 2
    assert f"Error: Invalid value for {said}" in outcome.err


def test_every_number_of_a_command_is_told_with_its_value():
    """Generated: whatever takes a number names the word that is none."""
    for words in COMMANDS:
        command = all_commands()[words]
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.metavar in ("N", "NUMBER", "GIB"):
                needed = ["x" for one in command.params if one.param_type_name == "argument" and one.required]
                outcome = leanrl(*words, *needed, parameter.opts[0], "lots")
                assert outcome.code == 2
                said = ("`lots` should be a", "'lots' is not the size")
                assert any(one in outcome.err for one in said), (words, parameter.opts)


ERRORS = (ConfigError, DataError, DoesNotFitError, LeanRLError, MissingError, StoppedError)
BIG = ["-p", "single-gpu-full", "--gpu", "rtx3060-12", "-s", "model.id=Qwen/Qwen2.5-7B-Instruct"]


def test_strict_gives_the_exit_code_of_a_run_that_does_not_fit():
    assert leanrl("plan", *BIG).code == 0
    strict = leanrl("plan", *BIG, "--strict")
    assert strict.code == DoesNotFitError.exit_code == 3
    assert strict.out == leanrl("plan", *BIG).out
    assert leanrl("plan", *BIG, "--strict", "--json").code == 3
    assert leanrl("plan", "-p", "single-gpu-lora", "--gpu", "rtx4090", "--strict").code == 0


def test_the_docs_have_every_exit_code():
    table = (ROOT / "docs" / "command_line.md").read_text()
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)}
    raised = {error.exit_code for error in ERRORS}
    assert raised | {0, 130, 143} == codes


@pytest.mark.parametrize(("error", "word"), [(RewardError, "reward"), (DataError, "row"), (StoppedError, "resumed")])
def test_the_docs_say_of_an_error_what_its_code_means(error, word):
    table = (ROOT / "docs" / "command_line.md").read_text()
    (meaning,) = re.findall(rf"^\| {error.exit_code} \| (.*) \|", table, flags=re.MULTILINE)
    assert word in meaning


@pytest.mark.parametrize("words", [["plan"], ["train", "--dry-run"], ["plan", "--json"]], ids=" ".join)
def test_the_first_line_without_a_preset_names_the_default(words):
    done = leanrl(*words)
    assert done.err.splitlines()[0] == (
        "No -p is given: the preset is a40x4-full-exp2, for four A40 cards. "
        "For one card take -p single-gpu-lora, without a card -p cpu-demo."
    )
    assert "No -p" not in leanrl(*words, "-p", "cpu-demo").err


def test_an_error_that_nobody_reads_keeps_its_exit_code(tmp_path):
    """stderr is a pipe whose reader has ended, as in `leanrl ... 2>&1 | head`, or a terminal that is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "leanrl", "train", "--resume", str(tmp_path / "nope")]
    try:
        done = subprocess.run(command, stderr=writer, stdout=subprocess.DEVNULL, check=False)
    finally:
        os.close(writer)
    assert done.returncode == ConfigError.exit_code
