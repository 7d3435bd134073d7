"""The file of a preset, YAML or JSON, read into plain values; what is wrong with it is shown at its line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from leanrl.config.files.escapes import REMEDY, control_character
from leanrl.config.files.text_faults import LINE_BREAK, TextFault, fault_text
from leanrl.config.files.yaml_faults import missing_colon
from leanrl.config.files.yaml_text import NoYamlError, parse_yaml
from leanrl.config.keys import schema_groups
from leanrl.errors import ConfigError

_MAX_DEPTH = 64
_MAX_VALUES = 100_000
_MAX_WHOLE_NUMBER = 2**63
_JSON_REMEDIES = {
    "Expecting property name": "JSON names are in double quotes, and no comma stands before a closing bracket",
    "Expecting value": "JSON takes a number, true, false, null, a text in double quotes, [ or { here",
    "Expecting ',' delimiter": "put a comma between two entries",
    "Expecting ':' delimiter": "put a colon between name and value",
    "Invalid \\escape": "write each backslash twice",
    "Invalid control character": "write a line break as \\n and a tab as \\t",
    "Unterminated string": "close the text with a double quote",
    "Extra data": "a file holds one JSON value; take out what follows it",
}


def read_preset_file(path: Path) -> dict[str, Any]:
    """Return the keys of a preset's file with their values.

    Raises:
        ConfigError: naming the file and the line where it cannot be read, or a value that no key takes.
    """
    text = _text_of(path)
    try:
        values = json.loads(text, object_pairs_hook=_without_copies) if path.suffix == ".json" else parse_yaml(text)
    except NoYamlError as error:
        raise _refusal(error.fault, text, path) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.message}", hint=error.hint) from error
    except json.JSONDecodeError as error:
        fault = TextFault(error.lineno, error.colno, f"this is no JSON ({error.msg})", _json_remedy(error.msg))
        raise _refusal(fault, text, path) from error
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"
        raise ConfigError(f"{path} cannot be read: {what}.", hint="take out what no preset needs") from error
    if values is None:
        return {}
    colonless = _line_without_colon(values, text)
    if colonless is not None:
        raise _refusal(missing_colon(LINE_BREAK.split(text), colonless), text, path)
    if not isinstance(values, Mapping):
        raise ConfigError(
            f"{path} holds {_kind(values)}, not keys with values.",
            hint="write `key: value`, one a line; `leanrl presets init cpu-demo` prints a file to start from",
        )
    check_values(values, where=str(path))
    return dict(values)


def _without_copies(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of a JSON text; Python's reader would keep the last of two values without a word."""
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"`{twice}` is written twice in one object.", hint="keep one of the two")
    return dict(pairs)


def _line_without_colon(values: Any, text: str) -> int | None:
    """Return the first line of a text that stands where a section's keys should, or None."""
    nodes, lines = [("", values)], LINE_BREAK.split(text)
    while nodes:
        name, node = nodes.pop()
        if isinstance(node, str) and (name == "" or name in schema_groups()):
            written = ((number, line.strip()) for number, line in enumerate(lines))
            return next((number for number, line in written if line and node.startswith(line)), None)
        if isinstance(node, Mapping):
            inner = ((f"{name}.{key}" if name else str(key), value) for key, value in node.items())
            nodes += [(key, value) for key, value in inner if key in schema_groups()]
    return None


def check_values(value: Any, *, where: str) -> None:
    """Refuse values that no key takes, wherever they are nested.

    Raises:
        ConfigError: for a control character in a text, a number beyond 64 bits, and too many or too deep values.
    """
    for count, (name, depth, leaf) in enumerate(_leaves(value)):
        if depth > _MAX_DEPTH:
            raise ConfigError(f"{where}: `{name[:40]}...` is nested more than {_MAX_DEPTH} deep.")
        if count > _MAX_VALUES:
            raise ConfigError(f"{where} holds more than {_MAX_VALUES} values.", hint="anchors (`&`) may repeat them")
        if isinstance(leaf, int) and abs(leaf) >= _MAX_WHOLE_NUMBER:
            raise ConfigError(f"{where}: `{name}` is a number beyond 64 bits.", hint="put it in quotes if it is text")
        found = control_character(leaf) if isinstance(leaf, str) else None
        if found is not None:
            raise ConfigError(f"{where}: the text of `{name}` is wrong: {found.cause}.", hint=REMEDY)


def _leaves(value: Any) -> Iterator[tuple[str, int, Any]]:
    """Yield dotted name, depth and value of everything that is neither a map nor a list, and of what is too deep."""
    waiting: list[tuple[str, int, Any]] = [("", 0, value)]
    while waiting:
        name, depth, node = waiting.pop()
        if depth > _MAX_DEPTH:
            yield name, depth, node
        elif isinstance(node, Mapping):
            waiting += [(f"{name}.{key}" if name else str(key), depth + 1, inner) for key, inner in node.items()]
            yield from ((f"{name}.{key}", depth, key) for key in node if isinstance(key, str))
        elif isinstance(node, Sequence) and not isinstance(node, str | bytes):
            waiting += [(f"{name}[{index}]", depth + 1, inner) for index, inner in enumerate(node)]
        else:
            yield name, depth, node


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        place = f"byte {error.start + 1} (0x{error.object[error.start]:02x})"
        hint = "save it as UTF-8; Windows editors call UTF-16 `Unicode` and Latin-1 `ANSI`"
        raise ConfigError(f"{path} is not UTF-8: {place} is none of its characters.", hint=hint) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error


def _refusal(fault: TextFault, text: str, path: Path) -> ConfigError:
    return ConfigError(fault_text(fault, text=text, source=str(path)), hint=fault.remedy)


def _json_remedy(message: str) -> str:
    return next((remedy for start, remedy in _JSON_REMEDIES.items() if message.startswith(start)), "mend the JSON")


def _kind(value: Any) -> str:
    kinds = {str: "text", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), f"a {type(value).__name__}")
