"""The tiny size that the rows share, and a sliding window in one of two layers."""

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
