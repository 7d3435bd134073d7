"""Values of a text config that may differ from layer to layer: heads, head sizes, windows, widths.

A config says such a value once, as a list with one entry for each layer (Gemma 3n's MLP), or once with exceptions
(`per_layer_config`: Gemma 4, Step 3.7), where transformers raises an error for whoever reads the attribute itself.
"""

from dataclasses import dataclass
from typing import Any

from transformers import PretrainedConfig

_SIZES = (
    "num_attention_heads",
    "num_key_value_heads",
    "num_kv_heads",
    "head_dim",
    "qk_nope_head_dim",
    "qk_rope_head_dim",
)


@dataclass(frozen=True)
class AttentionSizes:
    """Heads of one layer's attention, and the numbers that a head has for one token."""

    num_heads: int
    num_kv_heads: int
    head_dim: int

    @property
    def key_value(self) -> int:
        """Width of the keys of one token, over all key-value heads."""
        return self.num_kv_heads * self.head_dim


def layer_configs(text: PretrainedConfig) -> list[PretrainedConfig]:
    """Return the config of every layer; where layers do not differ it is `text` itself."""
    if text.is_heterogeneous:
        return list(text.per_layer_config)
    return [text] * max(1, getattr(text, "num_hidden_layers", None) or 1)


def layer_values(text: PretrainedConfig, name: str) -> list[Any]:
    """Return the value of an attribute in every layer; None where the config has none."""
    values = [getattr(layer, name, None) for layer in layer_configs(text)]
    is_list = isinstance(values[0], list | tuple) and len(values[0]) == len(values)
    return [value[number] for number, value in enumerate(values)] if is_list else values


def shared_value(text: PretrainedConfig, name: str) -> Any:
    """Return the value of an attribute that all layers agree on; None where they differ, or the config has none."""
    first, *others = layer_values(text, name)
    return first if all(other == first for other in others) else None


def attention_sizes(text: PretrainedConfig) -> list[AttentionSizes]:
    """Return the heads of every layer; a family without attention counts as one head of the hidden size.

    Keys of latent attention have a part without positions and one with (DeepSeek); its `head_dim` is the second alone.
    """
    columns = {name: [_number(value) for value in layer_values(text, name)] for name in _SIZES}
    return [_sizes(text, **dict(zip(columns, layer, strict=True))) for layer in zip(*columns.values(), strict=True)]


def _sizes(text: PretrainedConfig, **known: int | None) -> AttentionSizes:
    num_heads = known["num_attention_heads"] or 1  # Mamba has none
    # Falcon's older models name theirs by `multi_query`.
    is_one = getattr(text, "multi_query", False) and not getattr(text, "new_decoder_architecture", False)
    num_kv_heads = 1 if is_one else known["num_key_value_heads"] or known["num_kv_heads"] or num_heads
    latent = (known["qk_nope_head_dim"] or 0) + (known["qk_rope_head_dim"] or 0)
    head_dim = latent if known["qk_nope_head_dim"] else known["head_dim"] or text.hidden_size // num_heads
    return AttentionSizes(num_heads, num_kv_heads, head_dim)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
