"""Commands and flags inside messages, quoted for the shell: what a hint says can be pasted."""

import json
import shlex
from pathlib import Path


def setting(key: str, value: object) -> str:
    """Return the flag that sets a key, such as `-s data.path='my file.jsonl'`."""
    return f"-s {key}={quoted(_as_yaml(value))}"


def command(*words: str | Path) -> str:
    """Return a command of leanrl with every word quoted where the shell asks for it."""
    return shlex.join(["leanrl", *map(str, words)])


def quoted(value: object) -> str:
    """Return a value as one word of a shell."""
    return shlex.quote(str(value))


def _as_yaml(value: object) -> str:
    """Return a value as `-s` reads it; text stands as it is."""
    return value if isinstance(value, str) else str(value) if isinstance(value, Path) else json.dumps(value)
