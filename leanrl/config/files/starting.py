"""The file of a preset of one's own that `leanrl init` writes: a parent, and the few keys that differ from it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from leanrl.hints import command

# What an editor with a YAML language server reads; the schema is written by a command of its own.
SCHEMA_LINES = (
    "# For completion in an editor: `leanrl presets schema > leanrl.schema.json`, then take one # from the next line.",
    "## yaml-language-server: $schema=leanrl.schema.json",
)


def starting_preset(
    file_name: Path, *, parent: str, about: str, settings: Mapping[str, Any], found: Sequence[str] = ()
) -> str:
    """Return the text of the file.

    Args:
        settings: values by dotted key.
        found: the keys among them that a search for settings that fit has set.
    """
    lines = [
        f"# Written by `leanrl init`: {about}.",
        "#",
        f"#   {command('plan', '-p', file_name)}",
        f"#   {command('train', '-p', file_name)}",
        "#",
        f"# Every other key is as in {parent}; `{command('presets', 'init', parent)}` prints all with their help.",
        *([f"# Chosen so that it fits: {', '.join(found)}."] if found else []),
        *SCHEMA_LINES,
    ]
    values = {"about": about, "extends": parent, **_nested(settings)}
    return "\n".join(lines) + "\n" + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in settings.items():
        *groups, leaf = key.split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[leaf] = value
    return tree
