"""`dotted.key=value` arguments read into one layer of settings."""

from collections.abc import Sequence
from typing import Any

from leanrl.config.files.preset_file import check_values
from leanrl.config.files.yaml_text import NoYamlError, parse_yaml
from leanrl.config.keys import schema_keys
from leanrl.config.layers import Layer
from leanrl.errors import ConfigError, Problem

ORIGIN = "--set"
_MAX_PARTS = 16  # of a dotted name
_SHOWN_CHARACTERS = 80


def parse_overrides(overrides: Sequence[str]) -> tuple[Layer, list[Problem]]:
    """Return the overrides as a layer, and one problem for each that cannot be read.

    A later override of the same key wins. Values are YAML; a key that takes text takes what was typed
    where YAML would read something else (`model.revision=1234567`).
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for override in overrides:
        name, equals, text = override.partition("=")
        name = name.strip()
        if not equals or not all(name.split(".")) or name.count(".") >= _MAX_PARTS:
            where = f"{ORIGIN} {shortened(override)}"
            problems.append(Problem(where, "is not of the form key=value", "for example `-s train.max_steps=100`"))
            continue
        try:
            value = _value(name, text)
            check_values(value, where=name)
            _put(values, name.split("."), value)
        except NoYamlError as error:
            what = f"the value `{shortened(text)}` cannot be read, {error}"
            problems.append(Problem(name, what, error.fault.remedy))
        except ConfigError as error:
            problems.append(Problem(name, error.message.removeprefix(f"{name}: ").rstrip("."), error.hint))
    return Layer(ORIGIN, values), problems


def shortened(text: str) -> str:
    """Return a text that a person typed, cut where it is too long to be read in a message."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


def shown_value(value: Any) -> str:
    """Return a value for a message, with the words of YAML: a person who wrote `yes` has never heard of True."""
    words = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    return "null" if value is None else words or shortened(repr(value))


def _value(name: str, text: str) -> Any:
    key = schema_keys().get(name)
    takes_text = key is not None and key.is_text
    try:
        value = parse_yaml(text)
    except NoYamlError:
        if takes_text and not _is_quoted(text):
            return text
        raise
    is_choice = key is not None and isinstance(value, bool) and text.strip() in key.choices  # the language `no`
    return text.strip() if is_choice else text if takes_text and not isinstance(value, str | None) else value


def _is_quoted(text: str) -> bool:
    """Whether quotes stand around the whole text: it was written as YAML, so its faults are told."""
    stripped = text.strip()
    return len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\""


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    node = values
    for name in path[:-1]:
        inner = node.get(name)
        if not isinstance(inner, dict):
            inner = node[name] = {}
        node = inner
    node[path[-1]] = value
