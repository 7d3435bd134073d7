"""Settings given in Python, written as the command line's `-s KEY=VALUE`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, Problem

Overrides = Mapping[str, Any] | Sequence[str]


def as_settings(overrides: Overrides | None) -> list[str]:
    """Return overrides as `key=value`, with values as YAML reads them back.

    Args:
        overrides: values by dotted key (`{"train.max_steps": 50}`), or by section (`{"train": {"max_steps": 50}}`),
            or a list of `key=value`.

    Raises:
        ConfigError: for a value that no config file can hold; it names all of them.
    """
    if overrides is None:
        return []
    if isinstance(overrides, str):
        return [overrides]
    if not isinstance(overrides, Mapping):
        return [str(override) for override in overrides]
    settings, problems = [], []
    for key, value in overrides.items():
        try:
            settings.append(f"{key}={json.dumps(value, default=_plain, ensure_ascii=False)}")
        except TypeError as error:
            problems.append(Problem(f"overrides[{key!r}]", str(error), "give a number, a text, a list or a dict"))
    if problems:
        raise ConfigError("The overrides cannot be used:", problems=problems)
    return settings


def _plain(value: Any) -> Any:
    """Return a path as text, a set as a list, and the number in a scalar of numpy or torch."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{value!r} is a {type(value).__name__}, which no config holds")
