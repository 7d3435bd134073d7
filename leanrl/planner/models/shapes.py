"""The shape of a decoder model without experts: the numbers in its config.json that decide bytes and seconds."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from leanrl.errors import ConfigError, NoFormulaError
from leanrl.planner.layers.activation_functions import activation_of, activation_params
from leanrl.planner.models.counted import Counted
from leanrl.planner.models.families import FAMILIES, TEXT_ALONE, family_of
from leanrl.planner.models.family import Family, Norms
from leanrl.planner.models.layer_inputs import LayerInputs, layer_inputs
from leanrl.planner.models.layer_kinds import (
    attending_layers,
    behind_the_last,
    has_norm_pair,
    inner_size,
    layer_pattern,
    learned_positions,
    rotated_share,
    sliding_layers,
)
from leanrl.planner.models.layer_sizes import LayerSizes, layer_size_problems, layer_sizes, lender_problems, lent_width
from leanrl.planner.models.mixers import Mixer, mixer_of, mixing_widths
from leanrl.planner.models.other_models import require_decoder, unknown_terms
from leanrl.planner.models.own_attention import OwnAttention, own_attention, own_key_value_heads
from leanrl.planner.models.size_problems import (
    SIZES,
    family_problems,
    head_problems,
    is_size,
    missing_sizes,
    size_problems,
    tie_problems,
    window_problems,
)


@dataclass(frozen=True)
class ModelShape:
    """Sizes of one model; every linear layer is named as in transformers.

    Layers with a window keep keys and values of the window only. `num_stateful_layers` keep none, but a state of
    constant size: linear attention, short convolutions; `state_numbers` of them for each sequence and layer. Such a
    layer has `mixer` in the place of attention, made of `mixing_widths`. `layers_behind` are those behind the last
    layer with attention, and those behind the last one without. `num_positions` are rows of a table of learned
    positions, which turn no heads. `pattern` has a letter for each layer (`layer_kinds`), or none where their order is
    not known.

    Where layers differ in size, `layers` has those of each; heads and MLP above are then what the config says first.
    `lent_width` is that of the keys which layers borrow. A part of a model has `num_below` layers before it and
    `num_behind` after it. What a search for settings asks thousands of times is computed once.
    """

    family: str
    num_layers: int
    hidden: int
    intermediate: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    vocab: int
    tied: bool
    qkv_bias: bool = False
    output_bias: bool = False
    mlp_bias: bool = False
    is_parallel: bool = False
    has_norm_pair: bool = False
    own_attention: OwnAttention | None = None
    activation: str = "silu"
    caps_attention: bool = False
    rotated_share: float = 1.0
    num_positions: int = 0
    pattern: str = ""
    sliding_window: int | None = None
    num_sliding_layers: int = 0
    num_stateful_layers: int = 0
    state_numbers: int = 0
    mixing_widths: tuple[int, ...] = ()
    layers_behind: tuple[int, int] = (0, 0)
    borrows_kv: bool = False
    ties_values: bool = False
    inputs: LayerInputs | None = None
    layers: tuple[LayerSizes, ...] = ()
    lent_width: int = 0
    num_below: int = 0
    num_behind: int = 0
    counted: Counted | None = None

    @property
    def query(self) -> int:
        """Width of the queries of one token, over all heads."""
        return self.num_heads * self.head_dim

    @property
    def key_value(self) -> int:
        """Width of the keys of one token, over all key-value heads; the values are as wide."""
        return self.num_kv_heads * self.head_dim

    @property
    def query_outputs(self) -> int:
        """Width of what q_proj makes: the queries, and a gate as wide where attention has one."""
        return self.query * (2 if self.terms.gates_attention else 1)

    @cached_property
    def terms(self) -> Family:
        """What a decoder layer is made of."""
        return family_of(self.family)

    @cached_property
    def mixer(self) -> Mixer | None:
        """What stands in the place of attention, in all layers of a kind or in some of the model's."""
        if self.terms.mixing is None or not self.mixing_widths:
            return None
        return mixer_of(self.terms.mixing[1], self.hidden, self.mixing_widths)

    @property
    def lays_out_by_head(self) -> bool:
        """Whether attention's output is copied before o_proj reads it; of heads that are turned in part it is."""
        return self.terms.lays_out_by_head or 0 < self.rotated_share < 1

    @cached_property
    def layer_kinds(self) -> list["ModelShape"]:
        """The model as if it had the layers of one kind alone, for each kind: of attention, mixer, or size."""
        if self.layers:
            return [self._of_one_size(sizes, count) for sizes, count in Counter(self.layers).items()]
        if self.mixer is None or not self.num_stateful_layers:
            return [self]
        with_mixer = replace(self, num_layers=self.num_stateful_layers, num_sliding_layers=0)
        num_attending = self.num_layers - self.num_stateful_layers
        if not num_attending:
            return [with_mixer]
        return [replace(self, num_layers=num_attending, num_stateful_layers=0, mixing_widths=()), with_mixer]

    def _of_one_size(self, sizes: LayerSizes, count: int) -> "ModelShape":
        return replace(
            self,
            num_layers=count,
            num_sliding_layers=count if sizes.has_window else 0,
            head_dim=sizes.head_dim,
            num_kv_heads=sizes.num_kv_heads,
            intermediate=sizes.intermediate,
            borrows_kv=sizes.borrows_kv,
            ties_values=sizes.ties_values,
            layers=(),
        )

    @property
    def norms(self) -> Norms:
        """Where the norms over the hidden size stand."""
        if not self.is_parallel:
            return self.terms.norms
        return "parallel_pair" if self.has_norm_pair else self.terms.parallel_norms

    @property
    def waits_for_attention(self) -> bool:
        """Whether the backward pass of the norm before the MLP comes after attention's."""
        return self.norms == "parallel" or (self.norms == "parallel_pair" and self.terms.norms_first)

    @property
    def norms_behind(self) -> int:
        """Norms over the hidden size behind attention and MLP."""
        return 2 if self.norms in ("behind", "both") else 0

    @property
    def norms_per_layer(self) -> int:
        """Norms over the hidden size in a layer."""
        return {"before": 2, "behind": 2, "both": 4, "parallel": 1, "parallel_pair": 2}[self.norms]

    @property
    def norm_params(self) -> int:
        """Weights of a norm over the hidden size, and the biases of torch's."""
        return self.hidden * (1 if self.terms.norm_code == "own" else 2)

    @property
    def query_norm_widths(self) -> tuple[int, int]:
        """Numbers that one norm over queries and one over keys weigh; 0 without such norms."""
        if self.terms.query_norm == "none" or self.mixer is not None:
            return 0, 0
        if self.terms.query_norm == "width":
            return self.query, self.key_value
        return self.head_dim, 0 if self.borrows_kv else self.head_dim

    @cached_property
    def linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of each linear layer but the head by its last name; the larger where two have the same."""
        found = self.outer_linears
        for kind in self.layer_kinds:
            for path, sizes in kind.layer_linears.items():
                name = path.rsplit(".", 1)[-1]
                found[name] = max(found.get(name, sizes), sizes)
        return found

    @property
    def outer_linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of the linear layers outside the decoder layers, without the head."""
        return self.inputs.outer_linears if self.inputs else {}

    @cached_property
    def layer_linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of each linear layer of a decoder layer, where all layers are of one kind."""
        if self.counted is not None:
            return self.counted.linears
        query, key_value, hidden, inner = self.query, self.key_value, self.hidden, self.intermediate
        terms = self.terms
        outputs = {"q_proj": self.query_outputs}
        outputs |= {} if self.borrows_kv else {"k_proj": key_value}
        outputs |= {} if self.borrows_kv or self.ties_values else {"v_proj": key_value}
        attention = {name: (hidden, width) for name, width in outputs.items()}
        gate = {terms.gate_name: (hidden, inner)} if terms.has_gate else {}
        mlp = {**gate, terms.up_name: (hidden, inner)}
        if terms.qkv_name:
            attention = {terms.qkv_name: (hidden, query + 2 * key_value)}
        if terms.fuses_gate:
            mlp = {"gate_up_proj": (hidden, 2 * inner)}
        mixed = {**attention, terms.output_name: (query, hidden)} if self.mixer is None else self.mixer.linears
        inputs = self.inputs.layer_linears if self.inputs else {}
        return {**mixed, **mlp, terms.down_name: (inner, hidden), **inputs}

    @cached_property
    def mixing_readers(self) -> list[tuple[str, ...]]:
        """Linear layers of attention, or of what stands in its place, grouped by the tensor they read."""
        if self.mixer is not None:
            return self.mixer.readers
        apart = tuple(name for name in ("q_proj", "k_proj", "v_proj") if name in self.layer_linears)
        return [(self.terms.qkv_name,) if self.terms.qkv_name else apart, (self.terms.output_name,)]

    @property
    def mlp_readers(self) -> list[tuple[str, ...]]:
        """The same of the MLP."""
        terms = self.terms
        gates = (terms.gate_name, terms.up_name) if terms.has_gate else (terms.up_name,)
        return [("gate_up_proj",) if terms.fuses_gate else gates, (terms.down_name,)]

    @cached_property
    def linear_params(self) -> int:
        """Weights of all linear layers but the head, without biases."""
        if self.counted is not None:
            return self.num_layers * self.counted.linear_params_per_layer
        outer = sum(inputs * outputs for inputs, outputs in self.outer_linears.values())
        return outer + sum(kind.num_layers * kind._linear_params_of_a_layer for kind in self.layer_kinds)

    @cached_property
    def layer_params(self) -> int:
        """Parameters of all decoder layers."""
        if self.counted is not None:
            return self.num_layers * self.counted.params_per_layer
        return sum(kind.num_layers * kind._params_of_a_layer for kind in self.layer_kinds)

    @property
    def params_per_layer(self) -> int:
        """Parameters of the largest decoder layer."""
        if self.counted is not None:
            return self.counted.params_per_layer
        return max(kind._params_of_a_layer for kind in self.layer_kinds)

    @cached_property
    def _linear_params_of_a_layer(self) -> int:
        return sum(inputs * outputs for inputs, outputs in self.layer_linears.values())

    @cached_property
    def _params_of_a_layer(self) -> int:
        made = sum(self.layer_linears[name][1] for name in self.mixing_readers[0])
        attention = self.qkv_bias * made + self.output_bias * self.hidden
        mixing = attention if self.mixer is None else self.mixer.other_params
        biases = self.mlp_bias * ((1 + self.terms.has_gate) * self.intermediate + self.hidden)
        norms = (self.norms_per_layer + (self.inputs is not None)) * self.norm_params + sum(self.query_norm_widths)
        return self._linear_params_of_a_layer + mixing + biases + norms + activation_params(self.activation)

    @property
    def embedding_params(self) -> int:
        return self.vocab * self.hidden

    @cached_property
    def num_params(self) -> int:
        """All parameters; a tied head is counted once."""
        if self.counted is not None:
            return self.counted.num_params
        tables = self.embedding_params if self.tied else 2 * self.embedding_params
        inputs = self.inputs.params if self.inputs else 0
        return tables + self.num_positions * self.hidden + inputs + self.layer_params + self.norm_params

    @property
    def largest_table_params(self) -> int:
        """Weights of the largest table of the vocabulary, mostly the largest tensor of all."""
        return max(self.embedding_params, self.inputs.table_params if self.inputs else 0)

    def params_behind(self, num_layers: int) -> int:
        """Return the parameters of so many decoder layers, the last ones; a fair share where layers are alike."""
        if not self.layers:
            return num_layers * self.layer_params // self.num_layers
        last = self.layers[self.num_layers - num_layers :]
        return sum(count * self._of_one_size(sizes, 1)._params_of_a_layer for sizes, count in Counter(last).items())


def shape_from_config(config: Mapping[str, Any], *, where: str = "config.json") -> ModelShape:
    """Return the shape that a transformers config.json describes.

    Raises:
        NoFormulaError: for a family that cannot be counted, a mixture of experts, or a size that the config leaves out.
        ConfigError: for sizes that make no sense, all at once, and for an encoder-decoder.
    """
    config = _text_alone(config)
    require_decoder(config, where=where)
    family = config.get("model_type")
    if not isinstance(family, str) or family not in FAMILIES:
        named = "no model_type" if family is None else f"model_type {family!r}"
        raise NoFormulaError(
            f"{where} has {named}, for whose layers the planner has no formula.",
            hint="`leanrl plan --exact` simulates any model that transformers knows",
        )
    config = _with_defaults(config)
    unknown = [*missing_sizes(config, where), *unknown_terms(config, where)]
    problems = [*size_problems(config, where), *head_problems(config, where)]
    problems += [*window_problems(config, where), *tie_problems(config, where)]
    problems += family_problems(config, family_of(family).defaults, where)
    problems += layer_size_problems(config, family_of(family), where)
    if not problems and not unknown:
        problems += lender_problems(config, family_of(family), where)
    if problems or unknown:
        # A wrong size is a mistake; what is only unknown to the planner may be a model that trains.
        raise (ConfigError if problems else NoFormulaError)(
            f"{where} does not describe a model that can be planned.",
            problems=[*unknown, *problems],
            hint="download it again, or write it with `model.config.save_pretrained`",
        )
    return _read_shape(config)


def _text_alone(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the part of a config that describes the causal language model, where other parts are not loaded."""
    family, text = TEXT_ALONE.get(str(config.get("model_type"))), config.get("text_config")
    return {**text, "model_type": family} if family is not None and isinstance(text, Mapping) else config


def _with_defaults(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config with what transformers takes for missing keys, and with one name for each key.

    Key-value heads that the heads cannot share are no model that transformers runs: then each head has its own.
    """
    terms = family_of(config["model_type"])
    defaults = dict(terms.defaults)
    heads = config.get("num_attention_heads")
    if not is_size(heads) or heads % defaults.get("num_key_value_heads", 1):
        defaults.pop("num_key_value_heads", None)
    named = {key: config[other] for key, other in terms.other_names.items() if other in config}
    unread = set() if terms.shares_heads else {"num_key_value_heads", "head_dim"}
    unread |= {"intermediate_size"} if terms.inner_multiple else set()
    whole = {key: value for key, value in {**defaults, **config}.items() if key not in unread} | named
    if terms.own_attention is not None:
        whole["num_key_value_heads"] = own_key_value_heads(whole, terms.own_attention)
    if terms.inner_multiple and whole.get("intermediate_size") is None and is_size(whole.get("hidden_size")):
        whole["intermediate_size"] = terms.inner_multiple * whole["hidden_size"]
    return whole


def _read_shape(config: Mapping[str, Any]) -> ModelShape:
    heads = config["num_attention_heads"]
    terms = family_of(config["model_type"])
    attends, slides = attending_layers(config, terms), sliding_layers(config, terms)
    num_stateful = attends.count(False)
    layers = layer_sizes(config, terms, slides=slides)
    widths = mixing_widths(terms.mixing[1], config) if terms.mixing and num_stateful else ()
    shape = ModelShape(
        family=config["model_type"],
        **{name: config[key] for name, key in SIZES.items()} | {"intermediate": inner_size(config)},
        num_kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or config["hidden_size"] // heads,
        tied=bool(config.get("tie_word_embeddings")),
        qkv_bias=_has(terms.qkv_bias, config),
        output_bias=_has(terms.output_bias, config),
        mlp_bias=_has(terms.mlp_bias, config),
        is_parallel=terms.norms == "parallel" or any(config.get(key) for key in terms.parallel_keys),
        has_norm_pair=has_norm_pair(config, terms),
        own_attention=own_attention(config, terms.own_attention),
        num_positions=learned_positions(config, terms),
        activation=activation_of(config),
        caps_attention=bool(config.get("attn_logit_softcapping")),
        rotated_share=rotated_share(config, terms),
        pattern=layer_pattern(attends, slides),
        sliding_window=config["sliding_window"] if any(slides) else None,
        num_sliding_layers=sum(slides),
        num_stateful_layers=num_stateful,
        mixing_widths=widths,
        layers_behind=(behind_the_last(attends, True), behind_the_last(attends, False)),
        inputs=layer_inputs(config, terms),
        layers=layers,
        lent_width=lent_width(layers),
    )
    return shape if shape.mixer is None else replace(shape, state_numbers=shape.mixer.state_numbers)


def _has(bias: bool | str, config: Mapping[str, Any]) -> bool:
    """Whether a bias is there: always, never, or as the config says under the key that is named."""
    return bias if isinstance(bias, bool) else bool(config.get(bias, False))
