"""Backslashes that became control characters."""

import pytest

from leanrl.config.checks.check import find_warnings
from leanrl.config.files.yaml_text import NoYamlError, parse_yaml
from leanrl.config.load import load_config

# A command of LaTeX for every escape of a double-quoted text that takes one letter, and some of the others.
EATEN = [
    r"\boxed{}", r"\beta", r"\text{a}", r"\times", r"\theta", r"\frac12", r"\forall", r"\vec v", r"\right)",
    r"\alpha", r"\epsilon", r"\Lambda", r"\Pi", r"\Nu", r"\_b", r"\0", r"\x08", r"\u0007", r"\U0000001b",
]  # fmt: skip


@pytest.mark.parametrize("written", EATEN)
def test_in_double_quotes_it_is_an_error_at_its_place(written):
    with pytest.raises(NoYamlError) as caught:
        parse_yaml(f'a: 1\nb: "x\n  y {written} z"\n')
    fault = caught.value.fault
    assert (fault.line, fault.column) == (3, 5)
    assert written[:2] in fault.cause
    assert "single quotes" in fault.remedy


@pytest.mark.parametrize("written", EATEN)
def test_elsewhere_a_backslash_is_itself(written):
    assert parse_yaml(f"a: '{written}'")["a"] == written
    assert parse_yaml(f"a: |-\n  {written}")["a"] == written
    assert parse_yaml(f"a: x {written}")["a"] == f"x {written}"


@pytest.mark.parametrize("written", EATEN)
def test_a_doubled_backslash_is_itself(written):
    assert parse_yaml('a: "\\' + written + '"')["a"] == written


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\n\nb", "a\n\nb"),
        (r"a:\t1", "a:\t1"),
        (r"\tA tab before a capital", "\tA tab before a capital"),
        (r"say \"x\"", 'say "x"'),
        (r"é\u00e9", "éé"),
        (r"C:\\temp", r"C:\temp"),
    ],
)
def test_what_is_meant_in_double_quotes_is_read(written, meant):
    assert parse_yaml(f'a: "{written}"')["a"] == meant


def test_a_tab_and_an_indented_line_in_a_block_are_read():
    assert parse_yaml("a: |\n  def f():\n  \treturn 1\n")["a"] == "def f():\n\treturn 1\n"


def warnings_of(prompt):
    return find_warnings(load_config("cpu-demo", [f"data.system_prompt={prompt}"]).config)


@pytest.mark.parametrize("command", [r"\nabla", r"\nu", r"\neq", r"\not"])
def test_a_newline_that_may_have_been_a_command_is_warned_of(command):
    (warning,) = warnings_of(f'"The gradient {command} f"')
    assert warning.startswith(f"data.system_prompt has a newline before `{command[2:]}`: if `{command}` was meant")


@pytest.mark.parametrize("text", [r'"Think.\nPut it in a box"', r'"a\n\nnabla"', r'"a\nuse it"', r"'\nabla'"])
def test_a_newline_before_other_words_is_welcome(text):
    assert warnings_of(text) == []
