"""YAML text read into plain values."""

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """Safe YAML that takes 1e-6 for a number and refuses a key that is written twice."""


# YAML 1.1 wants a dot and a sign (1.0e-6); without this rule 1e-6 would arrive as text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def parse_yaml(text: str) -> Any:
    """Return the value that `text` writes.

    Raises:
        yaml.MarkedYAMLError: where the text is no YAML; its mark has the line and the column.
    """
    return yaml.load(text, Loader=_Loader)


def describe_yaml_error(error: yaml.YAMLError) -> str:
    """Return the place and the cause of a YAML error as one line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"


def _construct_map(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        name = key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node)
        if name in seen:
            raise yaml.constructor.ConstructorError(
                "while reading a map", node.start_mark, f"`{name}` is written twice", key_node.start_mark
            )
        seen.add(name)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_map)
