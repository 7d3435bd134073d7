"""Tiny random models from transformers' own config classes, each with what sets its family apart switched on."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PretrainedConfig, PreTrainedModel

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 64,
    "max_position_embeddings": 256,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    # Wider than transformers' 0.02: else every layer adds next to nothing to the stream.
    "initializer_range": 0.2,
}
_WINDOWS = {"layer_types": ["sliding_attention", "full_attention"], "sliding_window": 8}
_EXPERTS = {"num_experts": 4, "num_local_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
_LINEAR = {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
_MAMBA = {"mamba_d_state": 8, "mamba_n_heads": 8, "mamba_d_head": 8, "mamba_n_groups": 1, "mamba_expand": 2}

FAMILIES = {
    "llama": {"attention_bias": True, "mlp_bias": True},
    "qwen2": {},
    "qwen3": {},
    "mistral": {"sliding_window": 8},
    "phi3": {"sliding_window": 8},
    "gemma": {},
    "gemma2": {**_WINDOWS, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0, "query_pre_attn_scalar": 5},
    "gemma3_text": {**_WINDOWS, "final_logit_softcapping": 3.0},
    "granite": {
        "logits_scaling": 0.5,
        "residual_multiplier": 0.7,
        "embedding_multiplier": 2.0,
        "attention_multiplier": 0.3,
    },
    "olmo2": {},
    "olmo3": _WINDOWS,
    "smollm3": {"no_rope_layers": [1, 0]},
    "stablelm": {"use_parallel_residual": True, "qk_layernorm": True, "partial_rotary_factor": 0.5},
    "gpt_neox": {"use_parallel_residual": True, "rotary_pct": 0.5},
    "falcon": {
        "new_decoder_architecture": True,
        "parallel_attn": True,
        "num_kv_heads": 2,
        "bias": True,
        "head_dim": None,
    },
    "gpt2": {"scale_attn_by_inverse_layer_idx": True},
    "gpt_bigcode": {"multi_query": True},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 16},
    "cohere": {"logit_scale": 0.4, "use_qk_norm": True},
    "cohere2": {**_WINDOWS, "logit_scale": 0.4},
    "glm4": {},
    "starcoder2": {"sliding_window": 8, "use_bias": True},
    "exaone4": _WINDOWS,
    "gptj": {"rotary_dim": 4, "tie_word_embeddings": False},
    "qwen3_moe": _EXPERTS,
    "mixtral": {**_EXPERTS, "sliding_window": 8},
    "phimoe": _EXPERTS,
    "gpt_oss": {**_EXPERTS, **_WINDOWS},
    "llama4_text": {
        **_EXPERTS,
        "intermediate_size_mlp": 48,
        "interleave_moe_layer_step": 2,
        "attention_chunk_size": 8,
        "layer_types": ["chunked_attention", "full_attention"],
    },
    "lfm2": {"layer_types": ["conv", "full_attention"], "block_ff_dim": 48},
    "qwen3_next": {**_EXPERTS, **_LINEAR, "shared_expert_intermediate_size": 24},
    "qwen3_5_text": _LINEAR,
    "granitemoehybrid": {
        **_EXPERTS,
        **_MAMBA,
        "layer_types": ["mamba", "attention"],
        "logits_scaling": 0.5,
        "shared_intermediate_size": 24,
    },
    "falcon_h1": {**_MAMBA, "mamba_d_ssm": 64, "lm_head_multiplier": 0.5},
    "zamba2": {
        "layers_block_type": ["mamba", "hybrid"],
        "mamba_d_state": 8,
        "mamba_headdim": 8,
        "n_mamba_heads": 8,
        "mamba_ngroups": 1,
        "mamba_expand": 2,
        "num_mem_blocks": 1,
        "use_shared_attention_adapter": True,
        "num_key_value_heads": 4,
        "head_dim": None,
    },
    "jamba": {
        **_EXPERTS,
        "attn_layer_offset": 1,
        "attn_layer_period": 2,
        "mamba_d_state": 8,
        "use_mamba_kernels": False,
    },
    "recurrent_gemma": {
        "block_types": ["recurrent", "attention"],
        "lru_width": 32,
        "attention_window_size": 8,
        "logits_soft_cap": 3.0,
    },
    "mamba": {"state_size": 8},
    "olmo_hybrid": _LINEAR,
    "minimax": {**_EXPERTS, "layer_types": ["linear_attention", "full_attention"], "block_size": 16},
    "gemma3n_text": {
        **_WINDOWS,
        "altup_num_inputs": 2,
        "num_kv_shared_layers": 0,
        "hidden_size_per_layer_input": 8,
        "vocab_size_per_layer_input": 64,
        "laurel_rank": 4,
        "activation_sparsity_pattern": [0.5, 0.0],
        "final_logit_softcapping": 3.0,
    },
    "gemma4_text": {
        **_WINDOWS,
        "num_kv_shared_layers": 0,
        "hidden_size_per_layer_input": 8,
        "vocab_size_per_layer_input": 64,
        "final_logit_softcapping": 3.0,
        "global_head_dim": 8,
    },
    "deepseek_v3": {
        **_EXPERTS,
        "n_routed_experts": 4,
        "n_group": 1,
        "topk_group": 1,
        "first_k_dense_replace": 1,
        "q_lora_rank": 8,
        "kv_lora_rank": 8,
        "qk_rope_head_dim": 4,
        "qk_nope_head_dim": 4,
        "v_head_dim": 8,
        "num_key_value_heads": 4,
        "head_dim": None,
    },
}


def config_of(family: str, **values: object) -> PretrainedConfig:
    """Return the config of a tiny model of the family; `values` come on top, and None leaves a key to the family."""
    chosen = SIZES | FAMILIES.get(family, {}) | values
    return AutoConfig.for_model(family, **{key: value for key, value in chosen.items() if value is not None})


def model_of(
    family: str, *, dtype: torch.dtype = torch.float32, attention: str = "eager", **values: object
) -> PreTrainedModel:
    """Return a random model of the family, with every weight drawn: fresh norms and sinks are all alike."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config_of(family, **values), attn_implementation=attention, dtype=dtype)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 1:
                weight.add_(0.2 * torch.randn_like(weight))
    return model
