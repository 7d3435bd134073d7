"""Layers of settings laid over each other, with where each value came from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.config.sections.algorithm import USUAL, Seam, is_plugin_map
from leanrl.errors import Problem

Path = tuple[str, ...]

# Maps whose entries a later layer can take away with null.
_REMOVABLE = ("rewards", "reward_options")

# What describes a model or a data source falls with it: another model has no use for the revision of
# the first, and another dataset none for its columns. A budget of tokens stands in place of a number of completions.
_OF_A_DATASET = ("hub_config", "hub_revision", "split", "*_column", "gold_from", "max_word_golds")
_SOURCES = ("generator", "path", "hub_id")
# The lengths that one model has sampled on one set of problems are not those of another.
_LENGTHS = "rollout.lengths.*"
_FALLS_WITH = {
    "model.id": ("model.revision", "model.wheel", "model.trust_remote_code", _LENGTHS),
    **{
        f"data.{source}": (*(f"data.{key}" for key in (*_SOURCES, *_OF_A_DATASET) if key != source), _LENGTHS)
        for source in _SOURCES
    },
    "train.micro_batch_completions": ("train.max_tokens_per_micro_batch",),
    # Options are those of the plug-in that is named.
    **{f"algorithm.{seam}.name": (f"algorithm.{seam}.*",) for seam in get_args(Seam)},
}
# What has a value where no layer gives one.
_UNSAID: dict[Path, str] = {("algorithm", seam, "name"): name for seam, name in USUAL.items()}


@dataclass(frozen=True)
class Layer:
    """One source of settings: a preset, a file or the command line."""

    origin: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """One value and the layer that gave it."""

    value: Any
    origin: str


def merge_layers(layers: Sequence[Layer]) -> tuple[dict[Path, Given], list[Problem]]:
    """Lay each layer over those before it and return every leaf, and what a layer tried to remove in vain.

    Maps merge; lists and scalars replace. Null takes a reward or a plug-in away.
    """
    merged: dict[Path, Given] = {}
    problems: list[Problem] = []
    for layer in layers:
        leaves = dict(_leaves(layer.values))
        _drop_what_falls(merged, leaves)
        for path, value in leaves.items():
            if value is None and _is_removable(path):
                problems += _remove(merged, path, layer.origin)
            elif value is None and _takes_plugin_away(path):
                _drop(merged, _below(merged, path[:2]))
            elif value != {} or not _below(merged, path):
                _drop(merged, [*_above(merged, path), *_below(merged, path)])
                merged[path] = Given(value, layer.origin)
    return merged, problems


def as_tree(leaves: Mapping[Path, Given]) -> dict[str, Any]:
    """Return the leaves as nested maps."""
    tree: dict[str, Any] = {}
    for path, given in leaves.items():
        node = tree
        for name in path[:-1]:
            node = node.setdefault(name, {})
        node[path[-1]] = given.value
    return tree


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the leaves of nested maps by dotted name; an empty map is a leaf."""
    return {".".join(path): value for path, value in _leaves(tree)}


def _leaves(tree: Mapping[str, Any], prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*prefix, str(name)))
        else:
            yield (*prefix, str(name)), value


def _drop_what_falls(merged: dict[Path, Given], leaves: Mapping[Path, Any]) -> None:
    for key, falling in _FALLS_WITH.items():
        path = tuple(key.split("."))
        new = leaves.get(path)
        old = merged[path].value if path in merged else _UNSAID.get(path)
        if new is None or old == new:
            continue
        _drop(merged, [given for given in merged if any(_matches(given, pattern) for pattern in falling)])


def _matches(path: Path, pattern: str) -> bool:
    start, _, end = pattern.partition("*")
    name = ".".join(path)
    return name.startswith(start) and name.endswith(end) if "*" in pattern else name == pattern


def _is_removable(path: Path) -> bool:
    return len(path) == 2 and path[0] in _REMOVABLE


def _takes_plugin_away(path: Path) -> bool:
    return is_plugin_map(".".join(path[:2])) and path[2:] in ((), ("name",))


def _remove(merged: dict[Path, Given], path: Path, origin: str) -> list[Problem]:
    found = [old for old in merged if old[:2] == path]
    if path[0] == "rewards":
        found += [old for old in merged if old[:2] == ("reward_options", path[1])]
    _drop(merged, found)
    if found:
        return []
    there = {old[1] for old in merged if old[0] == path[0]}
    hint = did_you_mean(nearest_name(path[1], there)) or "leave it out"
    return [Problem(".".join(path), f"{origin} removes it, but nothing set it", hint)]


def _above(merged: Mapping[Path, Given], path: Path) -> list[Path]:
    return [path[:length] for length in range(1, len(path)) if path[:length] in merged]


def _below(merged: Mapping[Path, Given], path: Path) -> list[Path]:
    return [old for old in merged if old[: len(path)] == path]


def _drop(merged: dict[Path, Given], paths: Iterable[Path]) -> None:
    for path in list(paths):
        del merged[path]
