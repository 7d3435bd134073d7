"""The Gemma families, text alone and text through the multimodal class."""

from tests.families.family import Family
from tests.families.rows.sizes import SIZE, WINDOW

_VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_GEMMA3 = (
    SIZE
    | WINDOW
    | {
        "head_dim": 32,
        "query_pre_attn_scalar": 24,
        "final_logit_softcapping": 3.0,
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
            "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 10000.0},
        },
    }
)
GEMMA4 = (
    SIZE
    | WINDOW
    | {
        "num_hidden_layers": 4,
        "layer_types": ["sliding_attention", "full_attention"] * 2,
        "num_kv_shared_layers": 2,
        "head_dim": 16,
        "global_head_dim": 32,
        "hidden_size_per_layer_input": 16,
        "vocab_size_per_layer_input": 260,
        "final_logit_softcapping": 3.0,
        "attention_k_eq_v": True,
        "num_global_key_value_heads": 1,
        "use_double_wide_mlp": True,
    }
)
GEMMA: tuple[Family, ...] = (
    Family("gemma", "gemma", "norms of 1 + weight, scaled embeddings, tied head", SIZE | {"head_dim": 32}),
    Family(
        "gemma2",
        "gemma2",
        "attention and final soft-cap, window, four norms a layer",
        SIZE
        | WINDOW
        | {"head_dim": 32, "query_pre_attn_scalar": 24, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0},
    ),
    Family("gemma3_text", "gemma3_text", "two rotary schemes, window, q and k norms, final soft-cap", _GEMMA3),
    Family(
        "gemma3",
        "gemma3",
        "text through the multimodal class",
        {
            "text_config": _GEMMA3,
            "vision_config": _VISION,
            "mm_tokens_per_image": 4,
            "image_token_index": 258,
            "boi_token_index": 257,
            "eoi_token_index": 256,
            "initializer_range": 0.1,
        },
    ),
    Family(
        "gemma3n_text",
        "gemma3n_text",
        "four streams, low-rank residual, inputs of each layer, shared KV",
        SIZE
        | {
            "num_hidden_layers": 4,
            "layer_types": ["sliding_attention", "full_attention"] * 2,
            "sliding_window": 16,
            "head_dim": 32,
            "num_kv_shared_layers": 2,
            "hidden_size_per_layer_input": 16,
            "vocab_size_per_layer_input": 260,
            "laurel_rank": 8,
            "activation_sparsity_pattern": [0.5, 0.0, 0.5, 0.0],
            "intermediate_size": [128] * 4,
            "final_logit_softcapping": 3.0,
        },
    ),
    Family("gemma4_text", "gemma4_text", "inputs of each layer, shared KV, wide MLP, k as v, final soft-cap", GEMMA4),
)
