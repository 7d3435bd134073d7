"""toy.yaml as it is asked: what a command of a page gets in the tests."""

import os
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).with_name("toy.yaml")
MODEL, IS_LONG, LOG = "LEANRL_TOY_MODEL", "LEANRL_TOY_LONG", "LEANRL_TOY_LOG"


@cache
def toy() -> dict[str, dict[str, Any]]:
    """Return the file's content."""
    content: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return content


def entry_of(words: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the beginning that fits best, and what it says; "" and nothing where the command runs as printed."""
    return _longest(toy()["leanrl"], words)


def elsewhere_of(words: list[str]) -> tuple[str, dict[str, str]]:
    """Return the beginning, the reason and the place of a command that the tests of pages do not run."""
    return _longest(toy()["elsewhere"], words)


def filled(text: str) -> str:
    """Return a text of the file with the sets and the model's folder in it."""
    model = os.environ[MODEL]
    return text.format(**{name: words.format(model=model) for name, words in toy()["sets"].items()})


def log(beginning: str) -> None:
    """Note that an entry of the file was used."""
    with Path(os.environ[LOG]).open("a", encoding="utf-8") as file:
        file.write(f"{beginning}\n")


def _longest(entries: dict[str, dict[str, Any]], words: list[str]) -> tuple[str, dict[str, Any]]:
    fitting = [one for one in entries if words[: len(shlex.split(one))] == shlex.split(one)]
    best = max(fitting, key=len, default="")
    return best, entries.get(best, {})
