"""The terms of each family.

A family with a term that is not here (experts) has no row: its plan comes from the simulation.
"""

from typing import Any

from leanrl.planner.models.family import Family
from leanrl.planner.models.own_attention import OwnAttentionKeys

_QWEN: dict[str, Any] = {"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28}
_GEMMA: dict[str, Any] = {"head_dim": 256, "tie_word_embeddings": True}
_GEMMA4: dict[str, Any] = _GEMMA | {
    "hidden_activation": "gelu_pytorch_tanh",
    "num_key_value_heads": 4,
    "sliding_window": 512,
    "global_head_dim": 512,
    "attention_k_eq_v": False,
    "use_double_wide_mlp": False,
    "num_kv_shared_layers": 0,
}
_ALL_BIASES: dict[str, Any] = {"qkv_bias": "attention_bias", "output_bias": "attention_bias"}
_BIASED: dict[str, Any] = {"qkv_bias": True, "output_bias": True, "mlp_bias": True}
_EARLY: dict[str, Any] = {"has_gate": False, "norm_code": "torch", "shares_heads": False}

FAMILIES = {
    "qwen2": Family(qkv_bias=True, windows="switched", defaults=_QWEN),
    "qwen3": Family(query_norm="head", **_ALL_BIASES, windows="switched", defaults=_QWEN | {"head_dim": 128}),
    "llama": Family(**_ALL_BIASES, mlp_bias="mlp_bias"),
    "granite": Family(scales_blocks=True, **_ALL_BIASES, mlp_bias="mlp_bias"),
    "smollm3": Family(
        **_ALL_BIASES,
        mlp_bias="mlp_bias",
        windows="switched",
        defaults={"num_key_value_heads": 4, "tie_word_embeddings": True},
    ),
    "seed_oss": Family(
        qkv_bias="attention_bias",
        output_bias="attention_out_bias",
        mlp_bias="mlp_bias",
        defaults={"num_key_value_heads": 8, "head_dim": 128, "attention_bias": True},
    ),
    "hunyuan_v1_dense": Family(query_norm="head", **_ALL_BIASES),
    "arcee": Family(
        has_gate=False,
        **_ALL_BIASES,
        mlp_bias="mlp_bias",
        defaults={"hidden_act": "relu2"},
    ),
    "stablelm": Family(
        norm_code="torch",
        parallel_keys=("use_parallel_residual",),
        holds_attention=True,
        holds_first_norm=True,
        holds_parts=True,
        qkv_bias="use_qkv_bias",
        rotated_share=0.25,
        defaults={"num_key_value_heads": 32},
    ),
    "starcoder2": Family(
        norm_code="torch",
        has_gate=False,
        up_name="c_fc",
        down_name="c_proj",
        qkv_bias="use_bias",
        output_bias="use_bias",
        mlp_bias="use_bias",
        windows="all",
        defaults={
            "hidden_act": "gelu_pytorch_tanh",
            "num_key_value_heads": 2,
            "use_bias": True,
            "tie_word_embeddings": True,
        },
    ),
    "nemotron": Family(
        norm_code="torch_without_autocast",
        has_gate=False,
        **_ALL_BIASES,
        mlp_bias="mlp_bias",
        rotated_share=0.5,
        defaults={"hidden_act": "relu2"},
    ),
    "gpt_neox": Family(
        **_EARLY,
        parallel_keys=("use_parallel_residual",),
        parallel_norms="parallel_pair",
        rotated_share=0.25,
        qkv_name="query_key_value",
        output_name="dense",
        up_name="dense_h_to_4h",
        down_name="dense_4h_to_h",
        **_ALL_BIASES,
        mlp_bias=True,
        other_names={"partial_rotary_factor": "rotary_pct"},
        defaults={"hidden_act": "gelu", "use_parallel_residual": True, "attention_bias": True},
    ),
    "falcon": Family(
        **_EARLY,
        holds_attention=True,
        holds_first_norm=True,
        norms_first=True,
        adds_in_place=True,
        parallel_keys=("parallel_attn", "new_decoder_architecture"),
        norm_count_keys=("num_ln_in_parallel_attn", "new_decoder_architecture"),
        own_attention=OwnAttentionKeys("new_decoder_architecture", "multi_query", "alibi"),
        qkv_name="query_key_value",
        output_name="dense",
        up_name="dense_h_to_4h",
        down_name="dense_4h_to_h",
        inner_multiple=4,
        qkv_bias="bias",
        output_bias="bias",
        mlp_bias="bias",
        other_names={
            "hidden_size": "n_embed",
            "intermediate_size": "ffn_hidden_size",
            "num_key_value_heads": "num_kv_heads",
            "hidden_act": "activation",
        },
        defaults={
            "hidden_act": "gelu",
            "parallel_attn": True,
            "multi_query": True,
            "tie_word_embeddings": True,
        },
    ),
    "gpt2": Family(
        **_EARLY,
        holds_attention=True,
        learned_positions=0,
        qkv_name="c_attn",
        output_name="attn.c_proj",
        up_name="c_fc",
        down_name="mlp.c_proj",
        inner_multiple=4,
        **_BIASED,
        other_names={
            "hidden_size": "n_embd",
            "num_hidden_layers": "n_layer",
            "num_attention_heads": "n_head",
            "intermediate_size": "n_inner",
            "max_position_embeddings": "n_positions",
        },
        defaults={
            "activation_function": "gelu_new",
            "max_position_embeddings": 1024,
            "tie_word_embeddings": True,
        },
    ),
    "opt": Family(
        **_EARLY,
        learned_positions=2,
        output_name="out_proj",
        up_name="fc1",
        down_name="fc2",
        has_mlp_module=False,
        qkv_bias="enable_bias",
        output_bias="enable_bias",
        mlp_bias="enable_bias",
        other_names={"intermediate_size": "ffn_dim"},
        defaults={
            "activation_function": "relu",
            "max_position_embeddings": 2048,
            "enable_bias": True,
            "tie_word_embeddings": True,
        },
    ),
    "apertus": Family(
        query_norm="head",
        has_gate=False,
        **_ALL_BIASES,
        defaults={"hidden_act": "xielu"},
    ),
    "mistral": Family(windows="all", defaults={"num_key_value_heads": 8, "sliding_window": 4096}),
    "ministral": Family(windows="by_layer", defaults={"num_key_value_heads": 8, "sliding_window": 4096}),
    "olmo2": Family(norms="behind", weighs_in_fp32=True, tables_in_fp32=True, query_norm="width", **_ALL_BIASES),
    "olmo3": Family(
        norms="behind",
        weighs_in_fp32=True,
        tables_in_fp32=True,
        query_norm="width",
        **_ALL_BIASES,
        windows="by_layer",
        window_pattern=4,
        has_two_rotations=True,
        defaults={"sliding_window": 4096},
    ),
    "exaone4": Family(
        norms="behind",
        query_norm="head",
        windows="by_layer",
        window_pattern=4,
        defaults={"num_key_value_heads": 32, "sliding_window": 4096},
    ),
    "gemma": Family(weighs_in_fp32=True, **_ALL_BIASES, defaults=_GEMMA | {"num_key_value_heads": 16}),
    "gemma2": Family(
        norms="both",
        weighs_in_fp32=True,
        caps_attention=True,
        **_ALL_BIASES,
        windows="by_layer",
        window_pattern=2,
        defaults=_GEMMA | {"num_key_value_heads": 4, "sliding_window": 4096, "attn_logit_softcapping": 50.0},
    ),
    "gemma3_text": Family(
        norms="both",
        weighs_in_fp32=True,
        query_norm="head",
        **_ALL_BIASES,
        windows="by_layer",
        window_pattern=6,
        has_two_rotations=True,
        defaults=_GEMMA | {"num_key_value_heads": 4, "sliding_window": 4096},
    ),
    "gemma4_text": Family(
        norms="both",
        weighs_in_fp32=True,
        keeps_squares=True,
        query_norm="head",
        norms_values=True,
        **_ALL_BIASES,
        windows="by_layer",
        window_pattern=6,
        ends_without_window=True,
        sizes_by_layer=True,
        has_layer_inputs=True,
        defaults=_GEMMA4 | {"hidden_size_per_layer_input": 256, "vocab_size_per_layer_input": 262_144},
    ),
    "phi3": Family(rotated_share=1.0, qkv_name="qkv_proj", fuses_gate=True, lays_out_by_head=True, windows="all"),
    "glm": Family(
        rotated_share=0.5,
        fuses_gate=True,
        lays_out_by_head=True,
        qkv_bias="attention_bias",
        defaults={"num_key_value_heads": 2, "head_dim": 128, "attention_bias": True},
    ),
    "glm4": Family(
        rotated_share=0.5,
        norms="both",
        fuses_gate=True,
        lays_out_by_head=True,
        qkv_bias="attention_bias",
        defaults={"num_key_value_heads": 2, "head_dim": 128, "attention_bias": True},
    ),
    "cohere": Family(
        norms="parallel",
        centres=True,
        rotates_in_fp32=True,
        **_ALL_BIASES,
        defaults={"tie_word_embeddings": True},
    ),
    "cohere2": Family(
        norms="parallel",
        centres=True,
        rotates_in_fp32=True,
        **_ALL_BIASES,
        windows="by_layer",
        window_pattern=4,
        defaults={"tie_word_embeddings": True, "sliding_window": 4096},
    ),
    "qwen3_5_text": Family(
        weighs_in_fp32=True,
        query_norm="head",
        rotated_share=0.25,
        gates_attention=True,
        **_ALL_BIASES,
        mixing=("linear_attention", "gated_delta_rule"),
        attention_every=4,
        defaults={
            "num_key_value_heads": 4,
            "head_dim": 256,
            "linear_conv_kernel_dim": 4,
            "linear_key_head_dim": 128,
            "linear_value_head_dim": 128,
            "linear_num_key_heads": 16,
            "linear_num_value_heads": 32,
        },
    ),
    "lfm2": Family(
        query_norm="head",
        mixing=("conv", "short_convolution"),
        output_name="out_proj",
        gate_name="w1",
        up_name="w3",
        down_name="w2",
        other_names={"intermediate_size": "block_ff_dim", "tie_word_embeddings": "tie_embedding"},
        defaults={
            "num_key_value_heads": 8,
            "tie_word_embeddings": True,
            "conv_L_cache": 3,
            "block_auto_adjust_ff_dim": True,
            "block_multiple_of": 256,
            "block_ffn_dim_multiplier": 1.0,
        },
    ),
}

# Multimodal model types of which transformers loads the text model alone as a causal language model.
TEXT_ALONE = {"qwen3_5": "qwen3_5_text"}


_LLAMA = Family()


def family_of(name: str) -> Family:
    """Return the terms of a family; of one that is not known, those of Llama."""
    return FAMILIES.get(name, _LLAMA)
