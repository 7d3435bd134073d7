"""YAML text read into plain values."""

import re
from typing import Any

import yaml

from leanrl.config.files.escapes import REMEDY, escaped_control
from leanrl.config.files.text_faults import TextFault
from leanrl.config.files.yaml_faults import FaultError, explain_yaml_error

_MAX_DEPTH = 64
_MAX_DIGITS = 18  # as many as 64 bits hold


class NoYamlError(Exception):
    """The text cannot be read; `fault` says where, why and what to do."""

    def __init__(self, fault: TextFault) -> None:
        super().__init__(f"line {fault.line}, column {fault.column}: {fault.cause}")
        self.fault = fault


def parse_yaml(text: str) -> Any:
    """Return the value that `text` writes; depth, digits and control characters are bounded.

    Raises:
        NoYamlError: where it is no YAML, or YAML that no configuration needs.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise NoYamlError(explain_yaml_error(error, text)) from error
    except (ValueError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        # PyYAML lets them through where a tag such as !!int stands before what is no number.
        cause = f"a value cannot be read ({type(error).__name__})"
        raise NoYamlError(TextFault(1, 1, cause, "take out its tag (`!!...`)")) from error


class _Loader(yaml.SafeLoader):
    """Safe YAML that takes 1e-6 for a number and refuses what a person cannot have meant."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise FaultError(mark, f"this is nested more than {_MAX_DEPTH} deep", "take the outer levels away")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


# YAML 1.1 wants a dot and a sign (1.0e-6); without this rule 1e-6 would arrive as text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _construct_map(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        name = key_node.value if isinstance(key_node, yaml.ScalarNode) else id(key_node)
        if name in seen:
            raise FaultError(key_node.start_mark, f"`{name}` is written twice", "keep one of the two lines")
        seen.add(name)
    return loader.construct_mapping(node, deep=True)


def _construct_text(loader: _Loader, node: yaml.ScalarNode) -> str:
    if node.style == '"':
        start, end = node.start_mark, node.end_mark
        found = escaped_control(str(start.buffer)[start.pointer : end.pointer])
        if found is not None:
            raise FaultError(start, found.cause, REMEDY, offset=found.index)
    return loader.construct_yaml_str(node)


def _construct_whole_number(loader: _Loader, node: yaml.ScalarNode) -> int:
    digits = sum(char.isalnum() for char in node.value)
    if digits > _MAX_DIGITS:
        raise FaultError(node.start_mark, f"a number has {digits} digits", f"use at most {_MAX_DIGITS}, or quotes")
    return loader.construct_yaml_int(node)


def _construct_date(loader: _Loader, node: yaml.ScalarNode) -> Any:
    """Return the text: no key takes a date, and PyYAML raises its own error for a month 13."""
    return node.value


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_map)
_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG, _construct_text)
_Loader.add_constructor("tag:yaml.org,2002:int", _construct_whole_number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _construct_date)
