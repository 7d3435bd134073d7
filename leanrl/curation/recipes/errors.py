"""What pydantic found wrong with a section, as problems in the words of leanrl."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.errors import Problem

_SHOWN = 60


def problems_of(error: ValidationError, *, where: str, section: type[BaseModel]) -> list[Problem]:
    """Return one problem for each key; unknown keys get the nearest known name of their section."""
    return [_problem(details, where, section) for details in error.errors()]


def _problem(details: Mapping[str, Any], where: str, section: type[BaseModel]) -> Problem:
    location = details["loc"]
    name = ".".join(filter(None, [where, *map(str, location)]))
    if details["type"] == "extra_forbidden":
        known = _keys_at(section, location[:-1])
        near = did_you_mean(nearest_name(str(location[-1]), known))
        return Problem(name, "there is no such key", near or (f"keys: {', '.join(known)}" if known else None))
    shown = repr(details.get("input"))
    shown = shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 3]}..."
    message = re.sub(r" or instance of \w+", "", details["msg"].removeprefix("Input "))
    message = message.replace("dictionary", "map of keys")
    return Problem(name, f"{message[:1].lower()}{message[1:]}, is {shown}")


def _keys_at(section: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Return the keys of the section that a location leads to, through maps and lists."""
    current: type[BaseModel] | None = section
    for name in location:
        if current is None:
            return []
        field = current.model_fields.get(str(name))
        if field is None:
            continue  # the name of an entry in a map, or its number in a list
        current = _section_in(field.annotation)
    return [] if current is None else list(current.model_fields)


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a type holds, itself or in a map, a list or beside None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_section_in(each) for each in getattr(annotation, "__args__", ()))
    return next((each for each in inner if each is not None), None)
