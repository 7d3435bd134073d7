"""The keys of the schema as a flat list: dotted name, what it takes, default, line of help."""

import types
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from leanrl.config.schema import RunConfig
from leanrl.config.sections.algorithm import is_plugin_map
from leanrl.config.sections.field_types import Finite

_PLAIN = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    type(None): "null",
    Any: "a value",
}
_PLUGIN_MAP = "a map with the name of a plug-in and its options"
_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


@dataclass(frozen=True)
class Key:
    """One key that can be set.

    `takes` follows the words "must be"; `item_takes` says the same of an entry where the key is a map.
    """

    name: str
    takes: str
    default: Any
    about: str
    choices: tuple[str, ...]
    is_text: bool
    item_takes: str | None

    @property
    def is_map(self) -> bool:
        return self.item_takes is not None


@dataclass(frozen=True)
class Group:
    """One section of the schema."""

    name: str
    about: str


@cache
def schema_keys() -> dict[str, Key]:
    """Return every key by its dotted name, in the order of the schema."""
    return {key.name: key for key in _keys_of(RunConfig, "")}


@cache
def schema_groups() -> dict[str, Group]:
    """Return every section by its dotted name, in the order of the schema."""
    return {group.name: group for group in _groups_of(RunConfig, "")}


def _keys_of(section: type[BaseModel], prefix: str) -> Iterable[Key]:
    for name, field in section.model_fields.items():
        inner = _section_type(field)
        if inner is not None:
            yield from _keys_of(inner, f"{prefix}{name}.")
        else:
            yield key_of(f"{prefix}{name}", field)


def _groups_of(section: type[BaseModel], prefix: str) -> Iterable[Group]:
    for name, field in section.model_fields.items():
        inner = _section_type(field)
        if inner is not None:
            yield Group(f"{prefix}{name}", field.description or "")
            yield from _groups_of(inner, f"{prefix}{name}.")


def _section_type(field: FieldInfo) -> type[BaseModel] | None:
    annotation = field.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def key_of(name: str, field: FieldInfo) -> Key:
    """Return a field as a key of this dotted name."""
    annotation = field.annotation
    return Key(
        name=name,
        takes=_PLUGIN_MAP if is_plugin_map(name) else _takes(annotation, field.metadata),
        default=field.default,
        about=field.description or "",
        choices=tuple(_choices(annotation)),
        is_text=annotation is str or {_bare(argument) for argument in get_args(annotation)} == {str, type(None)},
        item_takes=_takes(get_args(annotation)[1]) if get_origin(annotation) is dict else None,
    )


def _takes(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """Return what an annotation accepts, in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _takes(arguments[0], [bound for extra in arguments[1:] for bound in _bounds_in(extra)])
    if origin is Literal:
        return _any_of(_choices(annotation))
    if origin in (Union, types.UnionType):
        return _any_of([word for argument in arguments for word in _choices(argument) or [_takes(argument)]])
    if origin is list:
        return "a list of names" if arguments[0] is str else f"a list of {_plural(arguments[0])}"
    if origin is dict:
        return f"a map from names to {_plural(arguments[1])}"
    plain = _PLAIN.get(annotation) or f"of type {getattr(annotation, '__name__', annotation)}"
    return " ".join([plain, *_bound_words(metadata)])


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _choices(annotation: Any) -> list[str]:
    """Return the words that an annotation allows, also where it allows something else besides."""
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if get_origin(annotation) in (Union, types.UnionType):
        return [choice for argument in get_args(annotation) for choice in _choices(argument)]
    return []


def _plural(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"maps with {' and '.join(annotation.model_fields)}"
    if _bare(annotation) is int:
        return _takes(annotation).removeprefix("a ").replace("number", "numbers")
    return {str: "texts", Finite: "numbers", Any: "values"}.get(annotation, "maps")


def _bounds_in(extra: Any) -> list[Any]:
    return list(extra.metadata) if isinstance(extra, FieldInfo) else [extra]


def _bound_words(metadata: Iterable[Any]) -> list[str]:
    words = [
        f"{sign} {getattr(bound, name):g}"
        for bound in metadata
        for name, sign in _BOUNDS.items()
        if getattr(bound, name, None) is not None
    ]
    return [" and ".join(words)] if words else []


def _any_of(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else f"{', '.join(choices[:-1])} or {choices[-1]}"
