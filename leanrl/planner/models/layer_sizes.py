"""Sizes of each decoder layer, in a model whose layers differ in heads, in MLPs and in who makes keys and values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.errors import Problem
from leanrl.planner.models.family import Family
from leanrl.planner.models.layer_kinds import sliding_layers
from leanrl.planner.models.size_problems import is_size

# What `per_layer_config` may say of a layer; transformers builds no layer of other keys.
_OWN_KEYS = {"head_dim", "num_key_value_heads"}


@dataclass(frozen=True)
class LayerSizes:
    """What one layer has of its own.

    A layer that borrows makes no keys and values: it takes those of the last layer before all borrowers that has a
    window where it has one, and that has none where it has none: that one lends, whether any layer borrows or not.
    With `ties_values` one product is both.
    """

    has_window: bool
    head_dim: int
    num_kv_heads: int
    intermediate: int
    borrows_kv: bool = False
    lends_kv: bool = False
    ties_values: bool = False

    @property
    def key_value(self) -> int:
        """Width of the keys of one token, over all key-value heads; the values are as wide."""
        return self.num_kv_heads * self.head_dim


def layer_sizes(config: Mapping[str, Any], terms: Family, *, slides: Sequence[bool]) -> tuple[LayerSizes, ...]:
    """Return the sizes of every layer; none where the family's layers are all alike.

    Args:
        config: with one name for each key, and the family's defaults.
        slides: of each layer whether its attention has a window.
    """
    if not terms.sizes_by_layer:
        return ()
    first_borrower = len(slides) - config["num_kv_shared_layers"]
    found = []
    for index, has_window in enumerate(slides):
        head_dim, num_kv_heads = _heads(config, index, has_window=has_window)
        borrows = index >= first_borrower
        widened = 2 if borrows and config["use_double_wide_mlp"] else 1
        ties = bool(config["attention_k_eq_v"]) and not has_window
        inner = widened * config["intermediate_size"]
        lends = not borrows and has_window not in slides[index + 1 : first_borrower]
        found.append(LayerSizes(has_window, head_dim, num_kv_heads, inner, borrows, lends, ties))
    return tuple(found)


def _heads(config: Mapping[str, Any], index: int, *, has_window: bool) -> tuple[int, int]:
    """(head size, key-value heads) of a layer; where `per_layer_config` stands, keys of layers without a window go."""
    plain = config["head_dim"], config["num_key_value_heads"]
    if "per_layer_config" in config:
        own = _own_keys(config).get(index, {})
        return own.get("head_dim", plain[0]), own.get("num_key_value_heads", plain[1])
    if has_window:
        return plain
    global_heads = config.get("num_global_key_value_heads") if config["attention_k_eq_v"] else None
    return config["global_head_dim"], global_heads or plain[1]


def _own_keys(config: Mapping[str, Any]) -> dict[int, Mapping[str, int]]:
    return {int(index): keys for index, keys in (config["per_layer_config"] or {}).items()}


def lent_width(layers: Sequence[LayerSizes]) -> int:
    """Return the width of all keys that layers borrow."""
    asked = {sizes.has_window for sizes in layers if sizes.borrows_kv}
    return sum(sizes.key_value for sizes in layers if sizes.lends_kv and sizes.has_window in asked)


def layer_size_problems(config: Mapping[str, Any], terms: Family, where: str) -> list[Problem]:
    """Sizes of single layers that make no sense: heads that queries cannot share, and borrowers without a lender."""
    if not terms.sizes_by_layer:
        return []
    problems = [
        Problem(where, f"{key} is {config.get(key)!r}; it must be a whole number above 0")
        for key in sorted(_OWN_KEYS)
        if config.get(key) is None
    ]
    problems += _own_problems(config, where)
    num_layers, num_borrowers = config.get("num_hidden_layers"), config["num_kv_shared_layers"]
    if not is_size(num_layers):
        return problems
    if num_borrowers != 0 and not (is_size(num_borrowers) and num_borrowers < num_layers):
        named = f"num_kv_shared_layers is {num_borrowers!r}"
        problems.append(Problem(where, f"{named}; it must be a whole number from 0 to {num_layers - 1}"))
    return problems


def unknown_layer_keys(config: Mapping[str, Any], terms: Family, where: str) -> list[Problem]:
    """Keys of single layers for which there is no formula."""
    own = config.get("per_layer_config")
    if not terms.sizes_by_layer or not isinstance(own, Mapping):
        return []
    others = sorted({str(key) for keys in own.values() if isinstance(keys, Mapping) for key in keys} - _OWN_KEYS)
    return [Problem(where, f"per_layer_config has {key!r}, for which leanrl has no formula") for key in others]


def lender_problems(config: Mapping[str, Any], terms: Family, where: str) -> list[Problem]:
    """Kinds of layers that borrow from a layer that does not exist."""
    if not terms.sizes_by_layer:
        return []
    slides = sliding_layers(config, terms)
    first = len(slides) - config["num_kv_shared_layers"]
    missing = set(slides[first:]) - set(slides[:first])
    kinds = {True: "sliding_attention", False: "full_attention"}
    return [
        Problem(where, f"num_kv_shared_layers lets layers of {kinds[kind]} borrow, and none before them makes any")
        for kind in sorted(missing)
    ]


def _own_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    own = config.get("per_layer_config")
    if own is None:
        return _head_problems(config, ("global_head_dim", "num_global_key_value_heads"), config, where)
    shape = "it must be an object of layers, each an object of its keys"
    if not isinstance(own, Mapping) or not all(_is_layer(index, keys) for index, keys in own.items()):
        return [Problem(where, f"per_layer_config is {own!r}; {shape}")]
    problems = []
    for index, keys in own.items():
        problems += _head_problems(keys, tuple(sorted(_OWN_KEYS)), config, f"{where}, layer {index}")
    return problems


def _is_layer(index: Any, keys: Any) -> bool:
    return str(index).isdecimal() and isinstance(keys, Mapping)


def _head_problems(
    keys: Mapping[str, Any], names: tuple[str, ...], config: Mapping[str, Any], where: str
) -> list[Problem]:
    head_dim, kv_heads = (keys.get(name) for name in names)
    problems = [
        Problem(where, f"{name} is {value!r}; it must be a whole number above 0")
        for name, value in zip(names, (head_dim, kv_heads), strict=True)
        if value is not None and not is_size(value)
    ]
    heads = config.get("num_attention_heads")
    if is_size(heads) and is_size(kv_heads) and heads % kv_heads:
        problems.append(Problem(where, f"{heads} attention heads cannot share {kv_heads} of {names[1]} evenly"))
    return problems
