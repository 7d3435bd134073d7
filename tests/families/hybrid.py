"""Families with a state, a convolution or experts in their layers."""

from tests.families.family import ATTENTION_ONLY, Family
from tests.families.sizes import MHA, SIZE, WINDOW

_DELTA = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}
_MAMBA2 = {"mamba_n_heads": 8, "mamba_d_head": 16, "mamba_d_state": 16, "mamba_expand": 2, "mamba_chunk_size": 16}
_EXPERTS = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
_NO_EXPERTS = {"lora": "experts", "qlora": "experts"}

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
        SIZE | _DELTA | {"head_dim": 32},
    ),
    Family(
        "olmo_hybrid",
        "olmo_hybrid",
        "linear attention beside attention without positions",
        SIZE | _DELTA | {"rope_parameters": None},
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
        "qwen3_moe",
        "qwen3_moe",
        "fused experts, q and k norms",
        SIZE | _EXPERTS | {"head_dim": 32},
        targets=ATTENTION_ONLY,
        refused={"all-linear": "experts"},
    ),
    Family(
        "mixtral",
        "mixtral",
        "fused experts, window",
        SIZE | _EXPERTS | {"sliding_window": 16},
        targets=ATTENTION_ONLY,
        refused={"all-linear": "experts"},
    ),
    Family(
        "qwen3_next",
        "qwen3_next",
        "linear attention, shared and fused experts, gated norm",
        SIZE | _DELTA | _EXPERTS | {"head_dim": 32, "shared_expert_intermediate_size": 32},
        targets=ATTENTION_ONLY,
        refused={"all-linear": "experts"},
    ),
    Family(
        "gpt_oss",
        "gpt_oss",
        "attention sinks, fused experts, window, biases",
        SIZE | WINDOW | {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 32, "intermediate_size": 64},
        targets=ATTENTION_ONLY,
        refused={"all-linear": "experts"},
    ),
    Family(
        "llama4_text",
        "llama4_text",
        "chunked attention, fused experts, layers without positions",
        SIZE
        | _EXPERTS
        | {
            "head_dim": 16,
            "intermediate_size_mlp": 128,
            "attention_chunk_size": 16,
            "moe_layers": [1],
            "no_rope_layers": [1, 0],
        },
        targets=ATTENTION_ONLY,
        refused={"all-linear": "experts"},
    ),
)
