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
# What a family's tests build where its keys choose between designs, and the other designs by a model that has them.
CHOSEN = HYBRID | {"falcon": {"new_decoder_architecture": True}}
FALCON = {
    "falcon-7b": {"new_decoder_architecture": False},
    "falcon-40b": {},
    "falcon-11b": {"num_ln_in_parallel_attn": 1, "tie_word_embeddings": False},
    "falcon-rw-1b": {
        "new_decoder_architecture": False,
        "alibi": True,
        "bias": True,
        "multi_query": False,
        "num_key_value_heads": None,
        "parallel_attn": False,
    },
    "alibi over one head": {"new_decoder_architecture": False, "alibi": True},
    "heads of their own": {"new_decoder_architecture": False, "multi_query": False, "num_key_value_heads": None},
    "one head, copied": {"num_key_value_heads": 1},
    "old design's keys in the new one": {"multi_query": False, "num_key_value_heads": None},
}
# Of families whose layers differ in size: heads, who makes keys and values, and MLPs that are twice as wide.
UNLIKE = {
    "gemma4_text": {
        "num_hidden_layers": 5,
        "layer_types": [f"{kind}_attention" for kind in ("sliding", "full", "sliding", "sliding", "full")],
        "num_kv_shared_layers": 2,
        "use_double_wide_mlp": True,
        "global_head_dim": 128,
        "attention_k_eq_v": True,
        "num_global_key_value_heads": 1,
        "hidden_size_per_layer_input": 32,
        "vocab_size_per_layer_input": 512,
    },
}
# Families that know a size by another name alone, and positions that are learned as far as rows are long.
OWN_NAMES = {
    "falcon": {"intermediate_size": "ffn_hidden_size", "num_key_value_heads": "num_kv_heads"},
    "gpt2": {"intermediate_size": "n_inner"},
    "opt": {"intermediate_size": "ffn_dim"},
}
# Sizes that a family's config takes from no key.
NOT_TAKEN = {"falcon": {"head_dim"}}
# Every bias that some family has a key for.
BIASES = {
    "attention_bias": True,
    "mlp_bias": True,
    "attention_out_bias": True,
    "conv_bias": True,
    "use_qkv_bias": True,
    "bias": True,
    "use_bias": False,
    "enable_bias": False,
}


def sizes(family, **changes):
    """The sizes as the family's config takes them."""
    names, left_out = OWN_NAMES.get(family, {}), NOT_TAKEN.get(family, set())
    values = SIZES | CHOSEN.get(family, {}) | UNLIKE.get(family, {}) | changes
    return {names.get(key, key): value for key, value in values.items() if key not in left_out}
