"""What a decoder layer of each family is made of, where a config.json does not say it: terms, and no arithmetic.

A family with a term that is not here (experts) has no row: its plan comes from the simulation.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from leanrl.planner.models.own_attention import OwnAttentionKeys

# Where the norms over the hidden size stand: before attention and MLP, behind them, or both. A parallel block adds
# attention and MLP to the stream that both read, through one norm or through one each.
Norms = Literal["before", "behind", "both", "parallel", "parallel_pair"]
# Who computes a norm: the model's own code, in fp32; torch's LayerNorm, which autocast runs in fp32, copy and result
# too; or the same with autocast left, in the dtype that autocast gives.
NormCode = Literal["own", "torch", "torch_without_autocast"]
# A norm over each head's queries and keys, or over all heads at once.
QueryNorm = Literal["none", "head", "width"]
# Which layers have the window: none, all, those that `layer_types` names, or the same where `use_sliding_window` is on.
Windows = Literal["none", "all", "by_layer", "switched"]
# What stands in the place of attention in some layers (planner.models.mixers), with a state of constant size.
Mixing = Literal["short_convolution", "gated_delta_rule"]


@dataclass(frozen=True)
class Family:
    """Terms of a decoder layer; a bias is there always, never, or where the config has the key named here."""

    norms: Norms = "before"
    # Whether a norm multiplies by its weight in fp32, before its result gets the dtype of the stream.
    weighs_in_fp32: bool = False
    # Whether a norm takes the mean away in fp32 (a LayerNorm by hand).
    centres: bool = False
    norm_code: NormCode = "own"
    # Keys of which each makes a parallel block of the layer, and the norms that it has then.
    parallel_keys: tuple[str, ...] = ()
    parallel_norms: Norms = "parallel"
    # The key that says how many norms it has, and the key that makes it two where the first is left out.
    norm_count_keys: tuple[str, str] | None = None
    # Whether a pair of norms runs before attention: the second one's backward pass comes after attention's.
    norms_first: bool = False
    # Whether a parallel block adds attention's result to the MLP's in place.
    adds_in_place: bool = False
    # Whether the layer's code holds attention's result until its end, and the first norm's.
    holds_attention: bool = False
    holds_first_norm: bool = False
    query_norm: QueryNorm = "none"
    # Whether heads may share keys and values, and have a size of their own; others split the hidden size.
    shares_heads: bool = True
    # The share of each head that is turned, where `partial_rotary_factor` is left out; None turns all and reads no key.
    rotated_share: float | None = None
    # Rows of a table of learned positions beyond those that the config names; None where positions turn the heads.
    learned_positions: int | None = None
    # Keys of attention that calls torch's function itself, with a mask that the model makes for each row.
    own_attention: OwnAttentionKeys | None = None
    # Whether attention caps its scores where the config says so, for which it has to write them out.
    caps_attention: bool = False
    # Whether q_proj makes a gate beside the queries, through which attention's output goes.
    gates_attention: bool = False
    # Whether the cosines and sines stay fp32, and whether heads are cast to fp32 too before they are turned.
    tables_in_fp32: bool = False
    rotates_in_fp32: bool = False
    # Whether attention's code holds the parts of heads that are turned and those that are not, until its end.
    holds_parts: bool = False
    # Whether queries lie head by head in memory, so that attention's output has to be copied before o_proj reads it.
    lays_out_by_head: bool = False
    # Whether results of attention and MLP are multiplied before they are added to the stream.
    scales_blocks: bool = False
    # The name in `layer_types` of layers without attention, and what they have.
    mixing: tuple[str, Mixing] | None = None
    # Every so many layers one has attention, where `layer_types` is left out; None is all.
    attention_every: int | None = None
    # Names of linear layers; one that stands twice has its module before it.
    output_name: str = "o_proj"
    gate_name: str = "gate_proj"
    up_name: str = "up_proj"
    down_name: str = "down_proj"
    # The name of the one layer that makes queries, keys and values.
    qkv_name: str | None = None
    has_gate: bool = True
    fuses_gate: bool = False
    # The width of the MLP in hidden sizes, where the config leaves it out or has null.
    inner_multiple: int | None = None
    # Whether the MLP is a module, which may run in tiles.
    has_mlp_module: bool = True
    qkv_bias: bool | str = False
    output_bias: bool | str = False
    mlp_bias: bool | str = False
    windows: Windows = "none"
    # Every so many layers one attends to everything, where `layer_types` is left out.
    window_pattern: int | None = None
    # Whether layers with a window and layers without have rotary tables of their own.
    has_two_rotations: bool = False
    # Other names of keys, which transformers prefers where a config.json has them.
    other_names: dict[str, str] = field(default_factory=dict)
    # What transformers takes for keys that a config.json leaves out (5.17; a test compares them). Null is not left out.
    defaults: dict[str, Any] = field(default_factory=dict)


_QWEN: dict[str, Any] = {"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28}
_GEMMA: dict[str, Any] = {"head_dim": 256, "tie_word_embeddings": True}
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
