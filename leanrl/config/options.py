"""The options of a plug-in, checked and worded as the keys of the schema are."""

from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from leanrl.config.keys import Key, key_of
from leanrl.config.names.elsewhere import VALUES
from leanrl.config.names.nearest import did_you_mean, hint_for_value, nearest_name
from leanrl.config.overrides import shortened
from leanrl.errors import Problem


def option_key(name: str, annotation: Any, default: Any) -> Key:
    """Return an option by its dotted name as a key: what it takes, its choices, its default."""
    field = FieldInfo.from_annotation(annotation)
    field.default = default
    return key_of(name, field)


def option_problem(name: str, annotation: Any, value: object) -> Problem | None:
    """Return what is wrong with the value of an option; None where it can be used."""
    try:
        TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False)).validate_python(value)
    except ValidationError:
        key = option_key(name, annotation, None)
        return Problem(name, f"must be {key.takes}, is {shortened(repr(value))}", hint_for_value(key, value))
    return None


def name_hint(key: str, name: str, known: list[str]) -> str:
    """Return the plug-in that was most likely meant: ours for a word from elsewhere, the nearest, or all there are."""
    meant = VALUES.get(key, {}).get(name.lower()) or nearest_name(name, known)
    return did_you_mean(meant) or f"known: {', '.join(known) or 'none'}"
