"""Attention that a layer's code computes itself, past transformers' interface: its key-value heads and its mask."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class OwnAttentionKeys:
    """Names of the keys that decide about it.

    Args:
        repeats_heads: with it the layer copies keys and values for every query head.
        single_head: with it all query heads share one key-value head; without both each has its own.
        alibi: with it positions are a bias of the scores, and turn no heads.
    """

    repeats_heads: str
    single_head: str
    alibi: str


@dataclass(frozen=True)
class OwnAttention:
    """What of it decides bytes."""

    repeats_heads: bool
    has_alibi: bool


def own_attention(config: Mapping[str, Any], keys: OwnAttentionKeys | None) -> OwnAttention | None:
    """Return what a config says of attention that a layer computes itself; None where transformers' interface does."""
    if keys is None:
        return None
    return OwnAttention(repeats_heads=bool(config.get(keys.repeats_heads)), has_alibi=bool(config.get(keys.alibi)))


def own_key_value_heads(config: Mapping[str, Any], keys: OwnAttentionKeys) -> Any:
    """Return how many key-value heads the config means."""
    if config.get(keys.repeats_heads):
        return config.get("num_key_value_heads")
    return 1 if config.get(keys.single_head) else config.get("num_attention_heads")
