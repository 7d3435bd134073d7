"""The config.json of a run of an older format, read with today's keys."""

from collections.abc import Callable, Mapping
from typing import Any

from leanrl.config.names.renamed import RENAMED

# Options that a plug-in does not take; format 1 held the values of all corrections side by side.
_NOT_TAKEN = {"none": ("clip", "mask_low", "mask_high"), "token_truncate": ("mask_low", "mask_high")}


def in_this_format(values: Mapping[str, Any], *, number: int) -> dict[str, Any]:
    """Return what a run of format `number` has kept, in the format of this version; the file stays as it is."""
    current = dict(values)
    for older in sorted(older for older in _FROM if older >= number):
        current = _FROM[older](current)
    return current


def _from_1(values: dict[str, Any]) -> dict[str, Any]:
    """Put the keys of the advantage and the correction into the maps of their plug-ins."""
    algorithm = values.get("algorithm")
    if not isinstance(algorithm, Mapping):
        return values
    kept = dict(algorithm)
    for old, new in RENAMED.items():
        name = old.removeprefix("algorithm.")
        if name in kept:
            _, seam, option = new.split(".")
            kept[seam] = {**kept.get(seam, {}), option: kept.pop(name)}
    if "correction" in kept:
        excess = _NOT_TAKEN.get(kept["correction"].get("name"), ())
        kept["correction"] = {name: value for name, value in kept["correction"].items() if name not in excess}
    return {**values, "algorithm": kept}


_FROM: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
