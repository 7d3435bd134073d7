"""Sizes of a config.json that are missing, or make no sense."""

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


def window_problems(config: Mapping[str, Any], where: str) -> list[Problem]:
    """A window of 0, null or false is none at all."""
    keys = ("sliding_window", "max_window_layers", "sliding_window_pattern")
    problems = [
        Problem(where, f"{key} is {config[key]!r}; it must be a whole number from 1 to {_LARGEST_SIZE:,}, or null")
        for key in keys
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


def is_size(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LARGEST_SIZE
