"""Prompts: messages in order, the problem put in literally."""

import pytest

from leanrl.config.sections.data import DataConfig, WorkedExample
from leanrl.data.conversations import Asked
from leanrl.data.prompts import build_prompt
from leanrl.data.rows import build_row
from leanrl.errors import ConfigError


def test_the_problem_alone() -> None:
    assert build_prompt("2 + 2", template="{problem}", system_prompt=None) == [{"role": "user", "content": "2 + 2"}]


def test_the_system_message_comes_first_and_keeps_its_braces() -> None:
    messages = build_prompt("2 + 2", template="Sum: {problem}", system_prompt=r"Answer in \boxed{{}}.")
    assert messages == [
        {"role": "system", "content": r"Answer in \boxed{{}}."},
        {"role": "user", "content": "Sum: 2 + 2"},
    ]


def test_an_empty_system_prompt_is_sent() -> None:
    """A template may have a default system prompt of its own; an empty one replaces it, null does not."""
    assert build_prompt("x", template="{problem}", system_prompt="")[0] == {"role": "system", "content": ""}


def test_braces_of_template_and_problem_stay() -> None:
    """str.format would fail on both; and a problem that holds the placeholder is not filled in again."""
    template = r"Like 1 + 1 = \boxed{2}. {problem} = {{"
    content = build_prompt(r"\frac{1}{2} {problem}", template=template, system_prompt=None)[0]["content"]
    assert content == r"Like 1 + 1 = \boxed{2}. \frac{1}{2} {problem} = {{"


def test_a_template_without_the_problem_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.prompt_template: 'Solve \{Problem\}' does not contain \{problem\}"):
        build_prompt("2 + 2", template="Solve {Problem}", system_prompt=None)


def test_rows_of_one_data_set_hold_their_problems_once():
    data = DataConfig(
        path="unused", prompt_template="Sum: {problem}", examples=[WorkedExample(problem="1", answer="1")]
    )
    rows = [
        build_row(Asked("2 + 2", system="Be brief."), "4", data),
        build_row(Asked("3", system="Be brief."), "3", data),
    ]
    assert rows[0].asked_by is rows[1].asked_by
    assert [turn["content"] for turn in rows[0].prompt] == ["Be brief.", "Sum: 1", "1", "Sum: 2 + 2"]
    assert rows[1].prompt[-1]["content"] == "Sum: 3"
