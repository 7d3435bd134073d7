"""Every command and group of the command line, by the words that name it."""

from functools import cache
from typing import Any

import typer

from leanrl.cli.main import app


@cache
def all_commands() -> dict[tuple[str, ...], Any]:
    """Return leanrl itself under no word, and each command and group below it."""
    found: dict[tuple[str, ...], Any] = {(): typer.main.get_command(app)}
    waiting = list(found)
    while waiting:
        words = waiting.pop()
        below = {(*words, name): command for name, command in getattr(found[words], "commands", {}).items()}
        found |= below
        waiting += below
    return found
