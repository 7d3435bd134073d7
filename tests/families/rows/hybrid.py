"""Families with a state or a convolution in their layers."""

from tests.families.family import Family
from tests.families.rows.sizes import DELTA, MHA, SIZE

_MAMBA2 = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16, "mamba_expand": 2, "mamba_chunk_size": 16}

HYBRID: tuple[Family, ...] = (
    Family(
        "lfm2",
        "lfm2",
        "short convolutions beside attention, q and k norms",
        SIZE
        | {"layer_types": ["conv", "full_attention"], "conv_bias": True, "block_multiple_of": 32, "norm_eps": 1e-5},
    ),
    Family(
        "qwen3_5_text",
        "qwen3_5_text",
        "linear attention, gated norm, gated attention, partial rotary",
        SIZE | DELTA | {"head_dim": 32},
    ),
    Family(
        "olmo_hybrid",
        "olmo_hybrid",
        "linear attention beside attention without positions",
        SIZE | DELTA | {"rope_parameters": None},
    ),
    Family(
        "falcon_h1",
        "falcon_h1",
        "attention and Mamba side by side, eight multipliers",
        SIZE
        | _MAMBA2
        | {
            "mamba_d_ssm": 128,
            "mamba_rms_norm": True,
            "lm_head_multiplier": 0.5,
            "embedding_multiplier": 2.0,
            "key_multiplier": 0.5,
            "attention_out_multiplier": 0.9,
            "ssm_out_multiplier": 0.8,
            "ssm_multipliers": [0.5, 0.6, 0.7, 0.8, 0.9],
            "mlp_multipliers": [0.9, 0.8],
        },
    ),
    Family(
        "zamba2",
        "zamba2",
        "Mamba with shared attention blocks, adapters of each",
        MHA
        | {
            "num_hidden_layers": 3,
            "layers_block_type": ["mamba", "hybrid", "hybrid"],
            "n_mamba_heads": 8,
            "mamba_d_state": 16,
            "mamba_expand": 2,
            "chunk_size": 16,
            "adapter_rank": 8,
            "num_mem_blocks": 1,
            "use_mem_rope": True,
            "use_shared_attention_adapter": True,
        },
    ),
    Family(
        "granitemoehybrid",
        "granitemoehybrid",
        "Mamba beside attention, shared MLP, multipliers, no experts",
        SIZE
        | _MAMBA2
        | {
            "layer_types": ["mamba", "attention"],
            "num_local_experts": 0,
            "num_experts_per_tok": 0,
            "shared_intermediate_size": 128,
            "embedding_multiplier": 6.0,
            "logits_scaling": 4.0,
            "residual_multiplier": 0.22,
            "attention_multiplier": 0.05,
            "tie_word_embeddings": True,
            "position_embedding_type": "rope",
        },
    ),
    Family(
        "mamba",
        "mamba",
        "state space alone, no attention",
        {"hidden_size": 64, "state_size": 8, "num_hidden_layers": 2, "initializer_range": 0.1},
    ),
    Family(
        "bamba",
        "bamba",
        "Mamba beside attention of partial rotary positions",
        SIZE | _MAMBA2 | {"attn_layer_indices": [1]},
    ),
    Family(
        "nemotron_h",
        "nemotron_h",
        "Mamba, attention or an MLP of squared ReLU in a layer",
        SIZE
        | {
            "num_hidden_layers": 3,
            "layers_block_type": ["mamba", "attention", "mlp"],
            "head_dim": 16,
            "mamba_num_heads": 8,
            "mamba_head_dim": 16,
            "ssm_state_size": 16,
            "n_groups": 2,
            "chunk_size": 16,
        },
    ),
    Family(
        "recurrent_gemma",
        "recurrent_gemma",
        "gated recurrence beside attention in a window, soft-cap",
        SIZE
        | {
            "num_key_value_heads": 1,
            "block_types": ["recurrent", "attention"],
            "lru_width": 64,
            "attention_window_size": 16,
            "logits_soft_cap": 3.0,
        },
    ),
)
