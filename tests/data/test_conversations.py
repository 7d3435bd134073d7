"""Conversations in place of problems: what is asked of them, and what is refused by name."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.conversations import Asked, NotAsked, read_asked
from leanrl.data.load import load_problems
from leanrl.types import ProblemSet


def turn(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


SYSTEM, USER, ASSISTANT = turn("system", "Be brief."), turn("user", "2 + 2?"), turn("assistant", "4")
MORE = turn("user", "And twice that?")


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("2 + 2?", Asked("2 + 2?")),
        ([USER], Asked("2 + 2?")),
        (np.array([USER], dtype=object), Asked("2 + 2?")),
        ([SYSTEM, USER], Asked("2 + 2?", system="Be brief.")),
        ([SYSTEM, USER, ASSISTANT, MORE], Asked("And twice that?", (USER, ASSISTANT), "Be brief.")),
        ([USER, ASSISTANT], Asked("2 + 2?", is_cut=True)),
        ([turn("user", [{"type": "text", "text": "2 + "}, {"type": "text", "text": "2?"}])], Asked("2 + 2?")),
    ],
)
def test_what_is_asked(value: Any, asked: Asked) -> None:
    assert read_asked(value) == asked


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([SYSTEM], "a conversation of system: leanrl asks one that ends with the user's question"),
        ([ASSISTANT], "a conversation of assistant: leanrl asks one"),
        ([USER, SYSTEM, USER], "a conversation of user, system, user"),
        ([USER, turn("tool", "7"), USER], "a turn of the role tool: leanrl reads system, user, assistant"),
        ([{"from": "human", "value": "2 + 2?"}], "turns have the keys from, value: leanrl reads role and content"),
        ([turn("user", [{"type": "image", "image": "a.png"}])], "content that is no text, but [{'type': 'image'"),
        ([turn("user", " ")], "the user's last message is empty"),
        ([turn("user", None)], "content that is no text, but None"),
        ([], "no problem in text, but []"),
        (5, "no problem in text, but 5"),
        (None, "no problem"),
    ],
)
def test_what_is_refused_by_name(value: Any, reason: str) -> None:
    asked = read_asked(value)
    assert isinstance(asked, NotAsked)
    assert reason in asked.reason


def _load(folder: Path, *problems: Any, **keys: Any) -> ProblemSet:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps({"prompt": each, "answer": n}) + "\n" for n, each in enumerate(problems)))
    return load_problems(DataConfig(path=str(path), **keys), seed=0)


def test_a_conversation_is_asked_with_its_turns_and_the_template(tmp_path: Path) -> None:
    problems = _load(tmp_path, [SYSTEM, USER, ASSISTANT, MORE], prompt_template="Q: {problem}")
    assert problems.train[0].prompt == [SYSTEM, USER, ASSISTANT, turn("user", "Q: And twice that?")]
    assert problems.notes == []


def test_a_system_message_of_the_config_takes_the_rows_place_and_says_so(tmp_path: Path) -> None:
    problems = _load(tmp_path, [SYSTEM, USER], system_prompt="Think.")
    assert problems.train[0].prompt == [turn("system", "Think."), USER]
    assert problems.notes[0].startswith(
        "1 conversations bring a system message, and data.system_prompt takes its place"
    )


def test_an_answer_at_the_end_is_left_out_and_counted(tmp_path: Path) -> None:
    problems = _load(tmp_path, [USER, ASSISTANT])
    assert problems.train[0].prompt == [USER]
    assert problems.notes == ["1 conversations end with the assistant's answer, which is not asked."]


def test_conversations_with_one_last_question_are_different_problems(tmp_path: Path) -> None:
    one, other = [USER, ASSISTANT, MORE], [turn("user", "3 + 3?"), turn("assistant", "6"), MORE]
    problems = _load(tmp_path, one, other)
    assert len({row.id for row in problems.train}) == 2
    assert problems.dropped == []


def test_a_dropped_conversation_is_listed_with_its_column(tmp_path: Path) -> None:
    (dropped,) = _load(tmp_path, [turn("tool", "7"), USER], "1?").dropped
    assert dropped.reason == (
        "a conversation with a turn of the role tool: leanrl reads system, user, assistant (column 'prompt')"
    )
