"""A preset, its parents and overrides resolved into one configuration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.config.checks.check import find_contradictions
from leanrl.config.files.preset_file import read_preset_file
from leanrl.config.files.shipped import preset_path
from leanrl.config.keys import schema_groups, schema_keys
from leanrl.config.layers import Layer, as_tree, flatten, merge_layers
from leanrl.config.older_formats import in_this_format
from leanrl.config.overrides import parse_overrides
from leanrl.config.schema import RunConfig
from leanrl.config.sections.algorithm import is_plugin_map
from leanrl.config.start_adapter import adopt_start_adapter
from leanrl.config.validation import validate
from leanrl.errors import ConfigError, Problem
from leanrl.storage.run_folder import RunFolder
from leanrl.storage.run_format import format_of

_NOT_INHERITED = ("name", "about")


@dataclass(frozen=True)
class Resolved:
    """A configuration, and for every value by dotted key: `default`, `preset NAME` or `--set`."""

    config: RunConfig
    origins: dict[str, str]


def load_config(
    preset: str | Path,
    overrides: Sequence[str] = (),
    *,
    also: Callable[[RunConfig], Sequence[Problem]] = lambda config: (),
) -> Resolved:
    """Return the configuration that `preset`, its parents and `overrides` (`key=value`) make together.

    `preset` names a shipped preset or a file (.yaml, .yml, .json); the config.json of a run is such a
    file. Order: defaults, the oldest parent first, the preset, the overrides. `also` looks for problems of a room
    above, which are told with all others.

    Raises:
        ConfigError: with everything that is wrong, or with the place where a file cannot be read.
    """
    override_layer, problems = parse_overrides(overrides)
    leaves, removals = merge_layers([*_layers(str(preset)), override_layer])
    leaves, conflicts = adopt_start_adapter(leaves)
    given = {".".join(path): value.origin for path, value in leaves.items()}
    config, invalid = validate(as_tree(leaves), given)
    problems += removals + conflicts + invalid
    problems += _untouched_by(invalid, [*find_contradictions(config), *also(config)])
    if problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"The configuration of `{preset}` has {count}:", problems=problems)
    return Resolved(config, {name: given.get(name, "default") for name in flatten(config.model_dump())})


def load_run_config(file: Path) -> RunConfig:
    """Return the configuration that a run has kept: all of it is there, and no other file is read.

    The adapter that the run started from may be gone; its shape was written down when the run began.

    Raises:
        ConfigError: with everything that is wrong, or if the run's format is newer than what this version reads.
    """
    leaves, problems = merge_layers([Layer(f"run {file.parent}", _without_empty_sections(_values_of_run(file)))])
    given = {".".join(path): value.origin for path, value in leaves.items()}
    config, invalid = validate(as_tree(leaves), given)
    problems += invalid
    problems += _untouched_by(invalid, find_contradictions(config))
    if problems:
        raise ConfigError(f"The configuration of the run in `{file.parent}` is broken:", problems=problems)
    return config


def _values_of_run(file: Path) -> dict[str, Any]:
    number = format_of(file.parent)
    return in_this_format(read_preset_file(file), number=number)


def _is_of_run(path: Path) -> bool:
    return path.name == "config.json" and RunFolder(path.parent).env.is_file()


def _layers(preset: str) -> list[Layer]:
    """Return the layer of a preset after those of its parents."""
    layers: list[Layer] = []
    seen: list[Path] = []
    wanted: str | None = preset
    folder = Path()
    while wanted is not None:
        path = _file_of(wanted, folder=folder, child=seen[-1] if seen else None)
        if path.resolve() in seen:
            raise ConfigError(f"{path} extends itself, by way of {_chain(seen)}.", hint="take out one `extends`")
        seen.append(path.resolve())
        values = _without_empty_sections(_values_of_run(path) if _is_of_run(path) else read_preset_file(path))
        parent = values.pop("extends", None)
        if parent is not None and not isinstance(parent, str):
            raise ConfigError(
                f"{path}: `extends` must be the name of one preset or file, is {parent!r}.",
                hint="write `extends: cpu-demo`; a parent may have a parent of its own",
            )
        if layers:
            values = {name: value for name, value in values.items() if name not in _NOT_INHERITED}
        else:
            values.setdefault("name", path.stem)
        layers.insert(0, Layer(f"preset {wanted}", values))
        wanted, folder = parent, path.parent
    return layers


def _file_of(preset: str, *, folder: Path, child: Path | None) -> Path:
    """Return the file of a preset; what is wrong with a parent's name is told of the file that names it."""
    try:
        return preset_path(preset, folder=folder)
    except ConfigError as error:
        if child is None:
            raise
        raise ConfigError(f"{child}: `extends: {preset}`: {error.message}", hint=error.hint) from error


def _without_empty_sections(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leave out sections with nothing under their name: all their keys may be commented out."""
    kept: dict[str, Any] = {}
    for name, value in values.items():
        key = schema_keys().get(f"{prefix}{name}")
        is_section = f"{prefix}{name}" in schema_groups() or (key is not None and key.is_map)
        if is_section and value is None and not is_plugin_map(f"{prefix}{name}"):
            continue
        nested = is_section and isinstance(value, dict)
        kept[name] = _without_empty_sections(value, f"{prefix}{name}.") if nested else value
    return kept


def _untouched_by(invalid: Sequence[Problem], contradictions: Sequence[Problem]) -> list[Problem]:
    """Leave out contradictions about a key whose own value is bad: they would speak of its default."""
    bad = [problem.where for problem in invalid]
    return [found for found in contradictions if not any(name in found.where for name in bad)]


def _chain(seen: Sequence[Path]) -> str:
    return " -> ".join(path.name for path in seen)
