"""The tiny size that the rows share, and kinds of layers that one of two has."""

from typing import Any

SIZE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    # 0.02 would leave every next token almost equally likely.
    "initializer_range": 0.1,
}
MHA = SIZE | {"num_key_value_heads": 4}
WINDOW = {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
# Linear attention by the delta rule in one of two layers.
DELTA: dict[str, Any] = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}
