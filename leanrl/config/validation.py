"""Nested settings checked against the schema: a RunConfig and everything that is wrong."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from leanrl.config.keys import Key, schema_groups, schema_keys
from leanrl.config.names import did_you_mean, nearest_key, nearest_name
from leanrl.config.schema import RunConfig
from leanrl.errors import Problem


def validate(tree: Mapping[str, Any], origins: Mapping[str, str]) -> tuple[RunConfig, list[Problem]]:
    """Return the configuration with every bad key left out, and one problem for each that was.

    The configuration is complete even then, so that what contradicts among the good keys can be told
    in the same breath. `origins` says by dotted name which layer gave a value.
    """
    try:
        return RunConfig.model_validate(tree), []
    except ValidationError as error:
        found = {_path_in(tree, details["loc"]): details["type"] for details in error.errors()}
    pruned = deepcopy(dict(tree))
    for path in found:
        _remove(pruned, path)
    problems = [_problem(path, kind, _lookup(tree, path), origins) for path, kind in found.items()]
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


def _problem(path: tuple[str, ...], kind: str, value: Any, origins: Mapping[str, str]) -> Problem:
    name = ".".join(path)
    origin = next((origins[given] for given in origins if given == name or given.startswith(f"{name}.")), "")
    given_by = f" ({origin})" if origin else ""
    if kind == "extra_forbidden":
        return Problem(name, f"there is no such key{given_by}", _unknown_hint(name))
    if name in schema_groups():
        return Problem(name, f"is a section, is set to {value!r}{given_by}", f"set a key in it: `{name}.<key>`")
    return Problem(name, f"must be {_takes(path)}, is {value!r}{given_by}", _value_hint(schema_keys().get(name), value))


def _unknown_hint(name: str) -> str:
    if name == "extends":
        return "a file extends one parent, named on its first level; a command line does not"
    return did_you_mean(nearest_key(name)) or "docs/config.md lists every key"


def _takes(path: tuple[str, ...]) -> str:
    key = schema_keys().get(".".join(path))
    return key.takes if key is not None else str(schema_keys()[path[0]].item_takes)


def _value_hint(key: Key | None, value: Any) -> str | None:
    if key is None:
        return None
    if key.is_text:
        return "put the text in quotes"
    return did_you_mean(nearest_name(str(value), key.choices))


def _lookup(tree: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    node: Any = tree
    for name in path:
        node = node[name]
    return node


def _remove(tree: dict[str, Any], path: tuple[str, ...]) -> None:
    parent = _lookup(tree, path[:-1])
    parent.pop(path[-1], None)
