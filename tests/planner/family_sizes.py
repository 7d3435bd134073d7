"""Small sizes of a decoder, as the config of each family takes them."""

SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 384,
    "intermediate_size": 1024,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "vocab_size": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
# Of families whose layers differ: both kinds in the middle, so that what is above a frozen embedding is neither.
HYBRID = {
    "qwen3_5_text": {
        "num_hidden_layers": 3,
        "layer_types": ["full_attention", "linear_attention", "full_attention"],
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_key_head_dim": 48,
        "linear_value_head_dim": 80,
    },
    "lfm2": {
        "num_hidden_layers": 4,
        "intermediate_size": 1536,
        "layer_types": ["conv", "full_attention", "conv", "full_attention"],
    },
}
# Families that know a size by another name alone, and positions that are learned as far as rows are long.
OWN_NAMES = {
    "gpt2": {"intermediate_size": "n_inner"},
    "opt": {"intermediate_size": "ffn_dim"},
}
# Every bias that some family has a key for.
BIASES = {
    "attention_bias": True,
    "mlp_bias": True,
    "attention_out_bias": True,
    "conv_bias": True,
    "use_qkv_bias": True,
    "use_bias": False,
    "enable_bias": False,
}


def sizes(family, **changes):
    """The sizes as the family's config takes them."""
    names = OWN_NAMES.get(family, {})
    return {names.get(key, key): value for key, value in (SIZES | HYBRID.get(family, {}) | changes).items()}
