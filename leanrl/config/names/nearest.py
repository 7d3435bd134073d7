"""The nearest known name for one that is not known."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from leanrl.config.keys import Key, schema_groups, schema_keys
from leanrl.config.names.elsewhere import NOT_HERE, NUMBER_MEANS, OTHERWISE, SAME, SECTION_MEANS, VALUES
from leanrl.config.names.renamed import RENAMED
from leanrl.config.sections.algorithm import is_plugin_map
from leanrl.hints import setting

_SURELY_MISTYPED = 0.9


def hint_for_key(unknown: str) -> str:
    """Return what to do about an unknown key: ours for a name from elsewhere, the nearest, or where all are listed."""
    ours = RENAMED.get(unknown)
    nearest = _in_a_map(unknown) or _nearest_key(unknown)
    return did_you_mean(ours) or _from_elsewhere(unknown) or did_you_mean(nearest) or "`leanrl keys` lists every key"


def is_from_elsewhere(name: str) -> bool:
    """Whether another library is known to have a key or section of this name."""
    return _from_elsewhere(name) is not None


def hint_for_value(key: Key, value: object) -> str | None:
    """Return the value that was most likely meant: ours for one from elsewhere, or the nearest of the key's choices."""
    words = {True: ("yes", "on", "y"), False: ("no", "off", "n")}.get(value, ()) if isinstance(value, bool) else ()
    meant = next((word for word in words if word in key.choices), None)
    if meant is not None:
        return f"put it in quotes, '{meant}': YAML reads {meant} as {str(value).lower()}"
    if key.name in NUMBER_MEANS and isinstance(value, int) and not isinstance(value, bool):
        return f"a number has a key of its own: `{setting(NUMBER_MEANS[key.name], value)}`"
    if is_plugin_map(key.name):
        return _plugin_hint(key.name, value.get("name") if isinstance(value, Mapping) else value)
    typed = str(value).lower()
    return did_you_mean(VALUES.get(key.name, {}).get(typed) or nearest_name(typed, key.choices))


def hint_for_section(name: str) -> str:
    """Return what to do where a section has a value as if it were a key."""
    means = SECTION_MEANS.get(name)
    return f"set a key in it: `{name}.<key>`" + (f", such as `{means}`" if means else "")


def nearest_name(unknown: str, known: Iterable[str], *, cutoff: float = 0.6) -> str | None:
    """Return the known name that looks most like `unknown`; None where none comes near."""
    names = list(known)
    found = get_close_matches(unknown, names, n=1, cutoff=cutoff)
    same = (name for name in names if name.lower() == unknown.lower())
    return found[0] if found else next(same, None)


def did_you_mean(name: str | None) -> str | None:
    """Return the hint that names the nearest name, or None."""
    return None if name is None else f"Did you mean `{name}`?"


def _plugin_hint(key: str, name: object) -> str:
    meant = VALUES.get(f"{key}.name", {}).get(str(name).lower(), name)
    if isinstance(meant, str):
        return f"`{setting(f'{key}.name', meant)}` names a plug-in"
    return f"`-s {key}.name=NAME`; `leanrl plugins` lists them"


def _from_elsewhere(unknown: str) -> str | None:
    """Return the hint for a name of another library, by its longest ending that is one; or by a section around it."""
    parts = unknown.split(".")
    absent = [part for part in parts[:-1] if part in NOT_HERE]
    for name in (*absent, *(".".join(parts[start:]) for start in range(len(parts)))):
        if name in SAME:
            return did_you_mean(SAME[name])
        if name in OTHERWISE:
            wanted, difference = OTHERWISE[name]
            key, _, value = wanted.partition("=")
            return f"Did you mean `{key}`? `{setting(key, value)}` is {difference}"
        if name in NOT_HERE:
            return f"leanrl has no such setting: {NOT_HERE[name]}"
    return None


def _in_a_map(unknown: str) -> str | None:
    """Return an entry of a map whose name is mistyped: `algorithm.keep_row.name`, `reward_option.cosine.length`."""
    maps = [key.name for key in schema_keys().values() if key.is_map]
    parts = unknown.split(".")
    for length in range(1, len(parts)):
        near = nearest_name(".".join(parts[:length]), maps, cutoff=_SURELY_MISTYPED)
        if near is not None:
            return ".".join([near, *parts[length:]])
    return None


def _nearest_key(unknown: str) -> str | None:
    known = [*schema_keys(), *schema_groups()]
    group, _, leaf = unknown.rpartition(".")
    siblings = {name.rpartition(".")[2]: name for name in known if name.rpartition(".")[0] == group}
    leaves = {name.rpartition(".")[2]: name for name in reversed(known)}
    return (
        leaves.get(leaf)
        or nearest_name(unknown, known, cutoff=0.75)
        or siblings.get(nearest_name(leaf, siblings) or "")
        or leaves.get(nearest_name(leaf, leaves) or "")
    )
