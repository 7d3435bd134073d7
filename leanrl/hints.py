"""Commands and flags inside messages, quoted for the shell: what a hint says can be pasted."""

import json
import re
import shlex
from pathlib import Path

# What YAML would not read as it stands: comments, quotes, line breaks, special characters at an end, words for null.
_NOT_PLAIN = re.compile(r"[#\"'\\\n]|^[^\w/.]|^\.\.\.|[^\w)/.]$|^(?:null|)$", re.IGNORECASE)


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
    """Return a value as `-s` reads it back."""
    if isinstance(value, str | Path):
        text = str(value)
        return json.dumps(text, ensure_ascii=False) if _NOT_PLAIN.search(text) else text
    return json.dumps(value)
