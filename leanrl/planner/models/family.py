"""What a decoder layer of a family is made of, where a config.json does not say it: terms, and no arithmetic."""

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
    # Whether the values of each head have a norm too, without a weight.
    norms_values: bool = False
    # Whether norms raise the mean of the squares to a power, which keeps that mean beside the result.
    keeps_squares: bool = False
    # Whether heads may share keys and values, and have a size of their own; others split the hidden size.
    shares_heads: bool = True
    # The part of each head that is turned, where `partial_rotary_factor` is left out; None: all, and no key is read.
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
    # Whether the last layer attends to everything, whatever the config says.
    ends_without_window: bool = False
    # Whether heads, MLPs and who makes keys and values differ from layer to layer (`layer_sizes` reads the keys).
    sizes_by_layer: bool = False
    # Whether a table of the vocabulary and a product of the embedding give each layer an input of its own.
    has_layer_inputs: bool = False
    # Whether layers with a window and layers without have rotary tables of their own.
    has_two_rotations: bool = False
    # Other names of keys, which transformers prefers where a config.json has them.
    other_names: dict[str, str] = field(default_factory=dict)
    # What transformers takes for keys that a config.json leaves out (5.17; a test compares them). Null is not left out.
    defaults: dict[str, Any] = field(default_factory=dict)
