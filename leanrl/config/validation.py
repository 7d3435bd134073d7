"""Nested settings checked against the schema: a RunConfig and everything that is wrong."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from leanrl.config.keys import Key, schema_groups, schema_keys
from leanrl.config.layers import flatten
from leanrl.config.names.nearest import hint_for_key, hint_for_section, hint_for_value, is_from_elsewhere, nearest_name
from leanrl.config.overrides import shown_value
from leanrl.config.schema import RunConfig
from leanrl.errors import Problem

_SHOWN_KEYS = 12  # of a section that is not known


def validate(tree: Mapping[str, Any], origins: Mapping[str, str]) -> tuple[RunConfig, list[Problem]]:
    """Return the configuration with every bad key left out, and one problem for each that was.

    The configuration is complete even then, so that what contradicts among the good keys can be told
    in the same breath. `origins` says by dotted name which layer gave a value.
    """
    try:
        return RunConfig.model_validate(tree), []
    except ValidationError as error:
        found = {_path_in(tree, details["loc"]): details for details in error.errors()}
    pruned = deepcopy(dict(tree))
    problems: list[Problem] = []
    for path, details in found.items():
        is_unknown = details["type"] == "extra_forbidden" and details["loc"] == path
        value = _lookup(tree, path)
        problems += _unknown(path, value, origins) if is_unknown else [_unusable(path, value, origins)]
        _remove(pruned, path)
    return RunConfig.model_validate(pruned), problems


def _path_in(tree: Mapping[str, Any], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the part of pydantic's location that is a path of ours; it also names branches of unions."""
    path: list[str] = []
    node: Any = tree
    for name in location:
        if not isinstance(node, Mapping) or name not in node:
            break
        path.append(str(name))
        node = node[name]
    return tuple(path)


def _unknown(path: tuple[str, ...], value: Any, origins: Mapping[str, str]) -> list[Problem]:
    """Return a problem for the key; for a section of another library, one for each of the keys in it."""
    name = ".".join(path)
    what = f"there is no such key{_given_by(name, origins)}"
    is_mistyped = nearest_name(name, schema_groups(), cutoff=0.7) is not None
    if not isinstance(value, Mapping) or is_mistyped or is_from_elsewhere(name):
        return [Problem(name, what, _unknown_hint(name))]
    inner = [f"{name}.{key}" for key in flatten(value)]
    shown = [Problem(key, what, hint_for_key(key)) for key in inner[:_SHOWN_KEYS]]
    left = len(inner) - len(shown)
    return [*shown, *([Problem(name, f"has {left} more keys that are not known")] if left else [])]


def _unusable(path: tuple[str, ...], value: Any, origins: Mapping[str, str]) -> Problem:
    name = ".".join(path)
    given_by, shown = _given_by(name, origins), shown_value(value)
    if name in schema_groups():
        return Problem(name, f"is a section, is set to {shown}{given_by}", hint_for_section(name))
    return Problem(
        name,
        f"must be {_takes(path)}, is {shown}{given_by}",
        _value_hint(schema_keys().get(name), value),
    )


def _given_by(name: str, origins: Mapping[str, str]) -> str:
    origin = next((origins[given] for given in origins if given == name or given.startswith(f"{name}.")), None)
    return f" ({origin})" if origin else ""


def _unknown_hint(name: str) -> str:
    if name == "extends":
        return "a file extends one parent, named on its first level; a command line does not"
    if name in schema_keys():
        return f"a file has it below its section: `{_nested(name)}`"
    return hint_for_key(name)


def _nested(name: str) -> str:
    """Return a dotted key as a file writes it in one line: `train: {seed: ...}`."""
    outer = name.split(".")
    return f"{': {'.join(outer)}: ...{'}' * (len(outer) - 1)}"


def _takes(path: tuple[str, ...]) -> str:
    key = schema_keys().get(".".join(path))
    return key.takes if key is not None else str(schema_keys()[path[0]].item_takes)


def _value_hint(key: Key | None, value: Any) -> str | None:
    if key is None:
        return None
    if key.is_text and value is not None:
        return "put the text in quotes"
    return hint_for_value(key, value)


def _lookup(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    node: Any = tree
    for name in path:
        node = node[name]
    return node


def _remove(tree: dict[str, Any], path: tuple[str, ...]) -> None:
    parent = _lookup(tree, path[:-1])
    parent.pop(path[-1], None)
