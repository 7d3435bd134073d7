"""What every section of the schema is made of: frozen groups of keys, each with a line of help."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A frozen group of keys that refuses unknown ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), strict=True)


def key(default: Any, about: str) -> Any:
    """Return a field with its default and its line of help."""
    return Field(default, description=about)
