"""Which layers of a config have attention, what of their heads positions turn, and how wide their MLPs are."""

import math
from collections.abc import Mapping
from typing import Any

from leanrl.planner.models.family import Family

# Letters of a shape's pattern: a layer with attention, one whose attention has a window, one with a state instead.
ATTENDS, HAS_WINDOW, HAS_STATE = "a", "w", "s"


def inner_size(config: Mapping[str, Any]) -> int:
    """Return the width of the MLP, which some configs give for an MLP without a gate, to be cut and rounded up."""
    inner: int = config["intermediate_size"]
    if not config.get("block_auto_adjust_ff_dim") or "block_multiple_of" not in config:
        return inner
    inner = int(2 * inner / 3)
    if config["block_ffn_dim_multiplier"] is None:
        return inner
    multiple: int = config["block_multiple_of"]
    return multiple * math.ceil(int(config["block_ffn_dim_multiplier"] * inner) / multiple)


def attending_layers(config: Mapping[str, Any], terms: Family) -> list[bool]:
    """Return of each layer whether it has attention."""
    num_layers, kinds = config["num_hidden_layers"], config.get("layer_types")
    if terms.mixing is None:
        return [True] * num_layers
    if kinds is not None:
        return [kind != terms.mixing[0] for kind in kinds]
    if config.get("full_attn_idxs") is not None:
        return [index in config["full_attn_idxs"] for index in range(num_layers)]
    every = config.get("full_attention_interval") or terms.attention_every or 1
    return [(index + 1) % every == 0 for index in range(num_layers)]


def sliding_layers(config: Mapping[str, Any], terms: Family) -> list[bool]:
    """Return of each layer whether its attention has a window."""
    slides = _asked_to_slide(config, terms)
    return [*slides[:-1], False] if terms.ends_without_window else slides


def _asked_to_slide(config: Mapping[str, Any], terms: Family) -> list[bool]:
    num_layers = config["num_hidden_layers"]
    is_off = terms.windows == "switched" and not config.get("use_sliding_window")
    if not config.get("sliding_window") or terms.windows == "none" or is_off:
        return [False] * num_layers
    kinds = config.get("layer_types")
    if terms.windows != "all" and kinds is not None:
        return [kind == "sliding_attention" for kind in kinds]
    if terms.windows != "all" and terms.window_pattern is not None:
        every = int(config.get("sliding_window_pattern") or terms.window_pattern)
        return [(index + 1) % every != 0 for index in range(num_layers)]
    first = int(config.get("max_window_layers") or 0) if terms.windows == "switched" else 0
    return [index >= first for index in range(num_layers)]


def layer_pattern(attends: list[bool], slides: list[bool]) -> str:
    """Return a letter for each layer, the first one first."""
    of_attention = {False: ATTENDS, True: HAS_WINDOW}
    return "".join(
        of_attention[is_sliding] if has_attention else HAS_STATE
        for has_attention, is_sliding in zip(attends, slides, strict=True)
    )


def behind_the_last(attends: list[bool], kind: bool) -> int:
    """Return how many layers follow the last one that has attention, or with False the last that has none."""
    return attends[::-1].index(kind) if kind in attends else 0


def has_norm_pair(config: Mapping[str, Any], terms: Family) -> bool:
    """Return whether a key of the config gives attention and MLP of a parallel block a norm each."""
    if terms.norm_count_keys is None:
        return False
    count, makes_it_two = (config.get(key) for key in terms.norm_count_keys)
    return count == 2 if count is not None else bool(makes_it_two)


def learned_positions(config: Mapping[str, Any], terms: Family) -> int:
    """Return the rows of a table of learned positions; 0 where there is none."""
    return 0 if terms.learned_positions is None else config["max_position_embeddings"] + terms.learned_positions


def rotated_share(config: Mapping[str, Any], terms: Family) -> float:
    """Return the fraction of each head's numbers that positions turn."""
    has_alibi = terms.own_attention is not None and config.get(terms.own_attention.alibi)
    if terms.learned_positions is not None or has_alibi:
        return 0.0
    if terms.rotated_share is None:
        return 1.0
    named = [config.get("rope_parameters"), config]
    shares = [keys["partial_rotary_factor"] for keys in named if keys and keys.get("partial_rotary_factor")]
    return float(shares[0]) if shares else terms.rotated_share
