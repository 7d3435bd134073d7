"""The presets as a person meets them: listed, shown, compared, taken as a start."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leanrl.config.files.shipped import FILE_ENDINGS, preset_folder, preset_names, preset_path
from leanrl.config.files.starting import SCHEMA_LINES
from leanrl.config.files.yaml_text import parse_yaml
from leanrl.config.keys import Key, schema_groups, schema_keys
from leanrl.config.layers import flatten
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig

_NOT_COMPARED = ("name", "about", "reasons")
# What a person with one card or none begins with.
FIRST_PRESETS = ("cpu-demo", "single-gpu-lora", "single-gpu-qlora", "single-gpu-full", "plain")
_UNBROKEN = 10_000  # characters: one line a value, so that taking one # away is enough


@dataclass(frozen=True)
class PresetInfo:
    """One shipped preset and what it is for."""

    name: str
    about: str


@dataclass(frozen=True)
class Difference:
    """One key whose value differs; a value is None where the key is null or missing."""

    key: str
    left: Any
    right: Any
    reason: str | None


def list_presets() -> list[PresetInfo]:
    """Return the shipped presets: first those to begin with, the rest in the order of their names."""
    names = [*FIRST_PRESETS, *(name for name in preset_names() if name not in FIRST_PRESETS)]
    texts = {name: (preset_folder() / f"{name}.yaml").read_text(encoding="utf-8") for name in names}
    return [PresetInfo(name, parse_yaml(text).get("about", "")) for name, text in texts.items()]


def preset_text(preset: str) -> str:
    """Return the text of a preset, shipped or in a file, as it was written.

    Raises:
        ConfigError: if there is none.
    """
    return preset_path(preset).read_text(encoding="utf-8")


def diff_presets(left: str, right: str) -> list[Difference]:
    """Return every key in which two resolved presets differ, with the reason that either of them gives.

    Raises:
        ConfigError: if one of them cannot be loaded.
    """
    return diff_configs(load_config(left).config, load_config(right).config)


def diff_configs(left: RunConfig, right: RunConfig) -> list[Difference]:
    """Return every key in which two configurations differ, with the reason that either of them gives."""
    before, after = _comparable(left), _comparable(right)
    sections = list(RunConfig.model_fields)
    keys = sorted({**before, **after}, key=lambda key: sections.index(key.partition(".")[0]))
    differing = [key for key in keys if before.get(key) != after.get(key)]
    return [Difference(key, before.get(key), after.get(key), _reason(key, left, right)) for key in differing]


def init_preset(name: str) -> str:
    """Return the YAML of a preset of one's own: it extends `name` and lists every key, commented out.

    Each key comes with its help and the value that it has in `name`.

    Raises:
        ConfigError: if `name` cannot be loaded.
    """
    config = load_config(name).config
    parent = str(Path(name).resolve()) if name.endswith(FILE_ENDINGS) else name
    return "\n".join([*_opening(name, parent), *_commented_keys(config)]) + "\n"


def _comparable(config: RunConfig) -> dict[str, Any]:
    return flatten({name: value for name, value in config.model_dump().items() if name not in _NOT_COMPARED})


def _reason(key: str, left: RunConfig, right: RunConfig) -> str | None:
    """Return what is said about the key or about the map that it is in, the right side first."""
    for reasons in (right.reasons, left.reasons):
        named = key
        while named:
            if named in reasons:
                return reasons[named]
            named = named.rpartition(".")[0]
    return None


def _opening(name: str, parent: str) -> list[str]:
    return [
        f"# A preset of your own that starts from {name}.",
        "#",
        "#   leanrl train --preset <this file>",
        "#",
        f"# Every key stands below with its value in {name}: take the # away from those that you change.",
        "# Maps merge with the parent's; lists and single values replace its.",
        "# `rewards.<name>: null` takes a reward away.",
        *SCHEMA_LINES,
        "about: what it is for",
        f"extends: {parent}",
    ]


def _commented_keys(config: RunConfig) -> Iterator[str]:
    values = config.model_dump()
    opened: set[str] = set()
    for key in schema_keys().values():
        if key.name in _NOT_COMPARED:
            continue
        group = key.name.rpartition(".")[0]
        for outer in _not_opened(group, opened):
            yield from _group_lines(outer)
            opened.add(outer)
        yield from _key_lines(key, _value_at(values, key.name))


def _not_opened(group: str, opened: set[str]) -> list[str]:
    """Return the group and those around it that no line has opened, the outermost first."""
    parts = group.split(".")
    around = [".".join(parts[: number + 1]) for number in range(len(parts))]
    return [name for name in around if name not in opened]


def _group_lines(group: str) -> Iterator[str]:
    yield ""
    if group:
        yield f"{'  ' * group.count('.')}{group.rpartition('.')[2]}: # {schema_groups()[group].about}"


def _key_lines(key: Key, value: Any) -> Iterator[str]:
    indent = "  " * key.name.count(".")
    leaf = key.name.rpartition(".")[2]
    written = (
        yaml.safe_dump({leaf: value}, sort_keys=False, allow_unicode=True, width=_UNBROKEN).rstrip("\n").split("\n")
    )
    yield f"{indent}# {key.about} [{key.takes}]"
    yield from (f"{indent}#{line}" for line in written)


def _value_at(values: dict[str, Any], name: str) -> Any:
    node: Any = values
    for part in name.split("."):
        node = node[part]
    return node
