"""Preset files that the tests of the config room write."""

from pathlib import Path
from textwrap import dedent

# The least that can be run: a model, data and a reward.
LEAST = """
    model: {id: someone/model}
    data: {path: sums.jsonl}
    rewards: {accuracy: 1.0}
"""


def write_preset(folder: Path, text: str = LEAST, *, name: str = "mine.yaml") -> str:
    """Write a preset file and return its path."""
    path = folder / name
    path.write_text(dedent(text), encoding="utf-8")
    return str(path)
