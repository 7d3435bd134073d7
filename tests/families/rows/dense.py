"""Families of attention and an MLP in every layer."""

from tests.families.family import METHODS, Family
from tests.families.rows.sizes import MHA, SIZE, WINDOW

_LONG = [1.0 + 0.5 * number for number in range(8)]
DENSE: tuple[Family, ...] = (
    Family(
        "llama",
        "llama",
        "GQA, biases everywhere, llama3 rotary scaling, tied head",
        SIZE
        | {
            "tie_word_embeddings": True,
            "attention_bias": True,
            "mlp_bias": True,
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            },
        },
    ),
    Family(
        "qwen2",
        "qwen2",
        "q, k, v biases, sliding window in one layer",
        SIZE | {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 1},
    ),
    Family(
        "qwen3",
        "qwen3",
        "q and k norms, head size of its own, tied head",
        SIZE | {"head_dim": 32, "tie_word_embeddings": True},
    ),
    Family("mistral", "mistral", "sliding window in all layers", SIZE | {"sliding_window": 16, "head_dim": 32}),
    Family(
        "ministral",
        "ministral",
        "sliding and full attention, yarn rotary",
        SIZE
        | WINDOW
        | {
            "head_dim": 32,
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 10000.0,
                "factor": 4.0,
                "original_max_position_embeddings": 128,
            },
        },
    ),
    Family(
        "phi3",
        "phi3",
        "fused q, k, v and fused gate, partial rotary, window",
        SIZE
        | {
            "sliding_window": 16,
            "pad_token_id": 0,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5},
        },
    ),
    Family(
        "phi3-longrope",
        "phi3",
        "longrope: one rotary factor for each frequency",
        SIZE
        | {
            "pad_token_id": 0,
            "original_max_position_embeddings": 256,
            "rope_parameters": {
                "rope_type": "longrope",
                "rope_theta": 10000.0,
                "original_max_position_embeddings": 256,
                "short_factor": [1.0 + 0.1 * number for number in range(8)],
                "long_factor": _LONG,
            },
        },
    ),
    Family(
        "granite",
        "granite",
        "four multipliers, biases",
        SIZE
        | {
            "embedding_multiplier": 6.0,
            "logits_scaling": 4.0,
            "residual_multiplier": 0.22,
            "attention_multiplier": 0.05,
            "attention_bias": True,
            "mlp_bias": True,
            "tie_word_embeddings": True,
        },
    ),
    Family("olmo2", "olmo2", "norms behind attention and MLP, q and k norms", SIZE),
    Family("olmo3", "olmo3", "norms behind attention and MLP, sliding window", SIZE | WINDOW),
    Family(
        "smollm3",
        "smollm3",
        "layers without rotary positions, tied head",
        SIZE | {"no_rope_layers": [1, 0], "pad_token_id": 0},
    ),
    Family(
        "stablelm",
        "stablelm",
        "parallel block, norms of each head, partial rotary, q, k, v biases",
        MHA | {"use_parallel_residual": True, "qk_layernorm": True, "use_qkv_bias": True, "partial_rotary_factor": 0.5},
    ),
    Family(
        "gpt_neox",
        "gpt_neox",
        "parallel block, fused q, k, v with biases, partial rotary, head embed_out",
        MHA | {"use_parallel_residual": True, "rotary_pct": 0.25, "hidden_dropout": 0.1, "attention_dropout": 0.1},
    ),
    Family(
        "falcon",
        "falcon",
        "parallel block of two norms, fused q, k, v",
        MHA
        | {
            "new_decoder_architecture": True,
            "num_kv_heads": 2,
            "parallel_attn": True,
            "bias": True,
            "ffn_hidden_size": 128,
        },
        refused={"qlora": "bitsandbytes quantises no layer"},
    ),
    Family(
        "falcon-alibi",
        "falcon",
        "alibi in place of rotary positions, multi-query, one norm",
        MHA | {"alibi": True, "multi_query": True, "parallel_attn": True, "ffn_hidden_size": 128},
        refused={"qlora": "bitsandbytes quantises no layer"},
        # transformers 5.17 adds alibi twice on its eager path: in the mask, and to the scores.
        reference_attention="sdpa",
    ),
    Family(
        "gpt2",
        "gpt2",
        "learned positions, transposed linear layers, dropout",
        {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_inner": 128, "n_positions": 512, "initializer_range": 0.1},
    ),
    Family(
        "gptj",
        "gptj",
        "parallel block, rotary over a part of each head",
        {
            "n_embd": 64,
            "n_layer": 2,
            "n_head": 4,
            "n_inner": 128,
            "n_positions": 512,
            "rotary_dim": 8,
            "initializer_range": 0.1,
        },
        refused=dict.fromkeys(METHODS, "bias on the head"),
    ),
    Family(
        "opt",
        "opt",
        "learned positions with an offset, narrow embedding, dropout",
        {
            "hidden_size": 64,
            "ffn_dim": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "max_position_embeddings": 512,
            "word_embed_proj_dim": 32,
            "do_layer_norm_before": True,
            "init_std": 0.1,
        },
    ),
    Family(
        "cohere",
        "cohere",
        "parallel block of one norm, q and k norms, logit scale",
        SIZE | {"logit_scale": 0.25, "use_qk_norm": True},
    ),
    Family(
        "cohere2",
        "cohere2",
        "parallel block, window, full attention without positions, logit scale",
        SIZE | WINDOW | {"logit_scale": 0.25},
    ),
    Family(
        "glm",
        "glm",
        "fused gate, partial rotary, q, k, v biases",
        SIZE | {"head_dim": 16, "attention_bias": True, "pad_token_id": 0},
    ),
    Family(
        "glm4",
        "glm4",
        "norms before and behind, fused gate, partial rotary",
        SIZE | {"head_dim": 16, "attention_bias": True, "pad_token_id": 0},
    ),
    Family(
        "starcoder2",
        "starcoder2",
        "layer norms, biases, window, plain MLP, dropout",
        SIZE | {"sliding_window": 16, "use_bias": True, "residual_dropout": 0.1, "embedding_dropout": 0.1},
    ),
    Family(
        "exaone4",
        "exaone4",
        "norms behind, q and k norms, window",
        SIZE
        | {"sliding_window": 16, "sliding_window_pattern": 2, "layer_types": ["sliding_attention", "full_attention"]},
    ),
    Family(
        "seed_oss",
        "seed_oss",
        "dropout of its own, q, k, v biases",
        SIZE | {"head_dim": 32, "attention_dropout": 0.1, "residual_dropout": 0.1},
    ),
    Family(
        "nemotron",
        "nemotron",
        "layer norms of 1 + weight, squared ReLU, partial rotary",
        SIZE | {"partial_rotary_factor": 0.5, "norm_eps": 1e-5},
    ),
    Family("helium", "helium", "interleaved rotary positions", SIZE | {"head_dim": 16}),
    Family("arcee", "arcee", "squared ReLU without a gate", SIZE),
    Family("apertus", "apertus", "xIELU without a gate, q and k norms", SIZE),
    Family(
        "phi",
        "phi",
        "parallel block, bias on the head",
        SIZE | {"partial_rotary_factor": 0.5, "qk_layernorm": True},
        refused=dict.fromkeys(METHODS, "bias on the head"),
    ),
)
