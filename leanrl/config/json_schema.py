"""The JSON schema of a preset file, from which an editor completes keys and marks what is wrong."""

from typing import Any

from leanrl.config.schema import RunConfig

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NULL = {"type": "null"}


def preset_schema() -> dict[str, Any]:
    """Return the schema of the files that `-p` and `extends` name.

    It is wider than the schema of a whole config: a file may name a parent, and null takes an entry of a map away or
    leaves a section as the parent has it. What keys have to do with each other is checked by `leanrl plan` alone.
    """
    schema = RunConfig.model_json_schema()
    for group in (schema, *schema["$defs"].values()):
        group["properties"] = {name: _or_null(one) for name, one in group.get("properties", {}).items()}
    schema["properties"]["extends"] = {"type": "string", "description": "the preset or file that this one starts from"}
    # YAML reads `gpu: 4090` as a number.
    schema["$defs"]["HardwareConfig"]["properties"]["gpu"]["anyOf"].append({"type": "integer"})
    return {"$schema": _DIALECT, **schema, "title": "A preset of leanrl"}


def _or_null(one: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a key; that of a section or a map allows null, for the whole and for each entry."""
    about: dict[str, Any] = {name: one[name] for name in ("description", "default") if name in one}
    if "$ref" in one:
        return {"anyOf": [{"$ref": one["$ref"]}, _NULL], **about}
    if one.get("type") != "object":
        return one
    entries = one.get("additionalProperties", True)
    nullable = entries if isinstance(entries, bool) else {"anyOf": [entries, _NULL]}
    return {"anyOf": [{**one, "additionalProperties": nullable}, _NULL], **about}
