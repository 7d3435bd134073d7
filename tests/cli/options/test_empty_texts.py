"""An empty text for every option and argument of every command: a variable of the shell that is not set."""

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import LeanRLError
from tests.cli.commands import all_commands

# Where an empty text says something, its help has the words; the rest is refused before anything is done.
SAYS_SOMETHING = {("init", "--data")}


def _cases():
    for words, command in all_commands().items():
        if hasattr(command, "commands"):
            continue
        for parameter in command.params:
            if parameter.param_type_name == "argument" or not parameter.is_flag:
                yield (*words, parameter.opts[0])


@pytest.mark.parametrize("case", list(_cases()), ids=" ".join)
def test_an_empty_text_is_refused_by_the_name_of_what_it_was_given_to(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    *words, name = case
    params = all_commands()[tuple(words)].params
    arguments = ["" if one.opts[0] == name else "x" for one in params if one.param_type_name == "argument"]
    options = [
        word for one in params if one.param_type_name == "option" and one.required for word in (one.opts[0], "x")
    ]
    typed = [name, ""] if name.startswith("-") else []
    outcome = CliRunner().invoke(app, [*words, *options, *typed, *arguments])
    if (*words, name) in SAYS_SOMETHING:
        assert isinstance(outcome.exception, LeanRLError)
        return
    assert outcome.exit_code == 2
    assert "Error: Invalid value for" in outcome.output
    assert "the text is empty" in outcome.output or "should be" in outcome.output or "is not one of" in outcome.output
    assert list(tmp_path.iterdir()) == []


def test_with_an_equals_sign_and_for_help(tmp_path):
    assert "'--run-dir': the text is empty" in CliRunner().invoke(app, ["train", "--run-dir="]).output
    assert CliRunner().invoke(app, ["train", "-p", "", "--help"]).exit_code == 0
