"""Sizes of a config.json that are missing, or make no sense."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from leanrl.errors import Problem

SIZES = {
    "num_layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "intermediate": "intermediate_size",
    "num_heads": "num_attention_heads",
    "vocab": "vocab_size",
}
# Far beyond any model's; what is larger is a mistake, and its plan would be nonsense.
_LARGEST_SIZE = 100_000_000
# Counts that may be 0, which is none.
_MAY_BE_NONE = {"num_kv_shared_layers", "hidden_size_per_layer_input"}
_WINDOWS = ("sliding_window", "max_window_layers", "sliding_window_pattern")
# Sizes of every family, and windows, have rules of their own below.
_CHECKED_FOR_ALL = {*SIZES.values(), "num_key_value_heads", "head_dim", *_WINDOWS}


def missing_sizes(config: Mapping[str, Any], where: str) -> list[Problem]:
    return [Problem(where, f"{key} is missing") for key in SIZES.values() if config.get(key) is None]


def size_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    given = [key for key in (*SIZES.values(), "num_key_value_heads", "head_dim") if config.get(key) is not None]
    return [
        Problem(where, f"{key} is {config[key]!r}; it must be a whole number from 1 to {_LARGEST_SIZE:,}")
        for key in given
        if not is_size(config[key])
    ]


def head_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    heads, hidden = config.get("num_attention_heads"), config.get("hidden_size")
    if not is_size(heads):
        return []
    kv_heads = config.get("num_key_value_heads")
    problems = []
    if is_size(kv_heads) and heads % kv_heads:
        problems.append(Problem(where, f"{heads} attention heads cannot share {kv_heads} key-value heads evenly"))
    if is_size(hidden) and config.get("head_dim") is None and hidden % heads:
        problems.append(Problem(where, f"head_dim is missing and hidden_size {hidden} / {heads} heads is not whole"))
    return problems


def family_problems(config: Mapping[str, Any], defaults: Mapping[str, Any], where: str) -> list[Problem]:
    """Sizes and shares that only some families have; `defaults` are the family's, which say of what kind a value is."""
    problems = [
        Problem(where, f"{key} is {config[key]!r}; it must be a whole number from 1 to {_LARGEST_SIZE:,}")
        for key, default in defaults.items()
        if type(default) is int and key not in _CHECKED_FOR_ALL and not _is_count(key, config[key])
    ]
    problems += [
        Problem(where, f"{key} is {config[key]!r}; it must be a number above 0, or null")
        for key, default in defaults.items()
        if type(default) is float and config[key] is not None and not _is_positive(config[key])
    ]
    interval, indices = config.get("full_attention_interval"), config.get("full_attn_idxs")
    if interval and not is_size(interval):
        problems.append(Problem(where, f"full_attention_interval is {interval!r}; it must be a whole number, or null"))
    if not isinstance(indices, list | None):
        problems.append(Problem(where, f"full_attn_idxs is {indices!r}; it must be a list of layers, or null"))
    return problems + _rotation_problems(config, where)


def _rotation_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    """The part of each head that positions turn."""
    rope = config.get("rope_parameters")
    if not isinstance(rope, Mapping | None):
        return [Problem(where, f"rope_parameters is {rope!r}; it must be an object, or null")]
    shares = [keys["partial_rotary_factor"] for keys in (rope or {}, config) if keys.get("partial_rotary_factor")]
    return [
        Problem(where, f"partial_rotary_factor is {share!r}; it must be a number above 0 and no more than 1")
        for share in shares
        if not (_is_positive(share) and share <= 1)
    ]


def window_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    """A window of 0, null or false is none at all."""
    problems = [
        Problem(where, f"{key} is {config[key]!r}; it must be a whole number from 1 to {_LARGEST_SIZE:,}, or null")
        for key in _WINDOWS
        if config.get(key) and not is_size(config[key])
    ]
    kinds, num_layers = config.get("layer_types"), config.get("num_hidden_layers")
    if not isinstance(kinds, list | None):
        problems.append(Problem(where, f"layer_types is {kinds!r}; it must be a list, one of a layer"))
    elif kinds is not None and is_size(num_layers) and len(kinds) != num_layers:
        problems.append(Problem(where, f"layer_types has {len(kinds)} entries for {num_layers} layers"))
    return problems


def tie_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    tied = config.get("tie_word_embeddings")
    if isinstance(tied, bool | None):
        return []
    return [Problem(where, f"tie_word_embeddings is {tied!r}; it must be true or false")]


def _is_count(key: str, value: Any) -> bool:
    return is_size(value) or (key in _MAY_BE_NONE and type(value) is int and value == 0)


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def is_size(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_SIZE
