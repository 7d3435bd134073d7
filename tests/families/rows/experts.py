"""Families with experts: adapters go beside them, full training reaches them."""

from tests.families.family import ATTENTION_ONLY, Family
from tests.families.rows.gemma import GEMMA4
from tests.families.rows.sizes import DELTA, MHA, SIZE, WINDOW

_EXPERTS = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
_REFUSED = {"all-linear": "experts"}

EXPERTS: tuple[Family, ...] = (
    Family(
        "qwen3_moe",
        "qwen3_moe",
        "fused experts, q and k norms",
        SIZE | _EXPERTS | {"head_dim": 32},
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
    ),
    Family(
        "mixtral",
        "mixtral",
        "fused experts, window",
        SIZE | _EXPERTS | {"sliding_window": 16},
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
    ),
    Family(
        "qwen3_next",
        "qwen3_next",
        "linear attention, shared and fused experts, gated norm",
        SIZE | DELTA | _EXPERTS | {"head_dim": 32, "shared_expert_intermediate_size": 32},
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
    ),
    Family(
        "gpt_oss",
        "gpt_oss",
        "attention sinks, fused experts, window, biases",
        SIZE | WINDOW | {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 32, "intermediate_size": 64},
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
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
        refused=_REFUSED,
    ),
    Family(
        "deepseek_v3",
        "deepseek_v3",
        "latent attention, shared experts, routed ones in groups, a dense layer",
        MHA
        | {
            "n_routed_experts": 4,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "n_shared_experts": 1,
            "n_group": 2,
            "topk_group": 1,
            "first_k_dense_replace": 1,
            "q_lora_rank": 16,
            "kv_lora_rank": 16,
            "qk_nope_head_dim": 16,
            "qk_rope_head_dim": 8,
            "v_head_dim": 16,
        },
        targets=("q_a_proj", "q_b_proj", "kv_a_proj_with_mqa", "kv_b_proj", "o_proj"),
        refused=_REFUSED,
    ),
    Family(
        "phimoe",
        "phimoe",
        "layer norms with biases, a router that jitters in training",
        SIZE | {"num_local_experts": 4, "num_experts_per_tok": 2, "router_jitter_noise": 0.1, "attention_bias": True},
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
    ),
    Family(
        "jamba",
        "jamba",
        "Mamba, attention without positions, experts in one layer",
        SIZE
        | {
            "num_experts": 4,
            "num_experts_per_tok": 2,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
            "mamba_dt_rank": 8,
            "mamba_d_state": 8,
        },
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
    ),
    Family(
        "minimax",
        "minimax",
        "lightning attention beside attention, fused experts",
        SIZE
        | {
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
            "layer_types": ["linear_attention", "full_attention"],
            "head_dim": 16,
            "block_size": 16,
        },
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
    ),
    Family(
        "gemma4_text-experts",
        "gemma4_text",
        "a dense MLP beside experts, inputs of each layer, shared KV",
        GEMMA4 | {"enable_moe_block": True, "num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 32},
        targets=ATTENTION_ONLY,
        refused=_REFUSED,
    ),
)
