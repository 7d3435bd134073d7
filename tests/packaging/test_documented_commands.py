"""The documented commands of a run as they stand: their settings go together, and tasks that they make can be made."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from leanrl.config.files.shipped import preset_names
from leanrl.config.load import load_config
from leanrl.data.load import load_problems

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*.md"))]
# In a block a command is the rest of its line, behind a backslash of the next lines too; in a sentence it ends with `.
COMMAND = re.compile(
    r"^(?: {4,}|)(leanrl (?:train|plan)\b(?:\\\n|[^\n])*)|`(leanrl (?:train|plan)\b[^`]*)`", re.MULTILINE
)
PLACEHOLDER = re.compile(r"[A-Z][A-Z_]+|\.\.\.|…")


def _settings(words):
    named = [after for word, after in pairwise(words) if word in ("-s", "--set")]
    return [setting for setting in named if not PLACEHOLDER.search(setting)]


def _preset(words):
    named = [after for word, after in pairwise(words) if word in ("-p", "--preset")]
    return named[-1] if named else "a40x4-full-exp2"


def _commands():
    for page in PAGES:
        if page.name == "status.md":
            continue
        for block, inline in COMMAND.findall(page.read_text(encoding="utf-8")):
            words = shlex.split((block or inline).replace("\\\n", " "), comments=True)
            plugged = "--plugin" in words
            if _settings(words) and not plugged:
                yield pytest.param(words, id=f"{page.name}: {' '.join(words)}")


COMMANDS = list(_commands())


def test_there_are_commands():
    assert len(COMMANDS) > 15


@pytest.mark.parametrize("words", COMMANDS)
def test_the_settings_of_a_command_go_together(words):
    preset = _preset(words)
    if preset not in preset_names():  # the reader's own
        preset = "cpu-demo"
    config = load_config(preset, _settings(words)).config
    if any(setting.startswith("data.generator=") for setting in words):
        assert load_problems(config.data, seed=0).train
