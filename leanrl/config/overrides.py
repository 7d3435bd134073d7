"""`dotted.key=value` arguments read into one layer of settings."""

from collections.abc import Sequence
from typing import Any

import yaml

from leanrl.config.keys import schema_keys
from leanrl.config.layers import Layer
from leanrl.config.yaml_text import describe_yaml_error, parse_yaml
from leanrl.errors import Problem

ORIGIN = "--set"


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
        if not equals or not all(name.split(".")):
            problems.append(
                Problem(f"{ORIGIN} {override}", "is not of the form key=value", "for example `-s train.max_steps=100`")
            )
            continue
        try:
            _put(values, name.split("."), _value(name, text))
        except yaml.YAMLError as error:
            problems.append(
                Problem(name, f"the value `{text}` cannot be read, {describe_yaml_error(error)}", "put it in quotes")
            )
    return Layer(ORIGIN, values), problems


def _value(name: str, text: str) -> Any:
    key = schema_keys().get(name)
    takes_text = key is not None and key.is_text
    try:
        value = parse_yaml(text)
    except yaml.YAMLError:
        if takes_text:
            return text
        raise
    return text if takes_text and not isinstance(value, str | None) else value


def _put(values: dict[str, Any], path: list[str], value: Any) -> None:
    node = values
    for name in path[:-1]:
        inner = node.get(name)
        if not isinstance(inner, dict):
            inner = node[name] = {}
        node = inner
    node[path[-1]] = value
