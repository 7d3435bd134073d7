"""Every family that the closed form counts: its terms, parameters and layers, by models on the meta device."""

from dataclasses import replace

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from leanrl.config.load import load_config
from leanrl.errors import NoFormulaError
from leanrl.models.structure.adaptable import linear_modules
from leanrl.models.structure.layer_values import attention_sizes, layer_configs
from leanrl.planner import phases
from leanrl.planner.memory.kv_cache import sequence_kv_bytes
from leanrl.planner.memory.weights import adapter_params
from leanrl.planner.models.families import FAMILIES, TEXT_ALONE
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of
from leanrl.simulate.fake_model import meta_policy
from tests.planner.family_sizes import BIASES, FALCON, HYBRID, OWN_NAMES, SIZES, UNLIKE, sizes
from tests.planner.sample_runs import SMALL_STEP


def decoder_layers(model):
    return max(
        (module for module in model.modules() if isinstance(module, torch.nn.ModuleList)),
        key=lambda layers: sum(tensor.numel() for tensor in layers.parameters()),
    )


def linear_sizes(module):
    """(inputs, outputs); GPT-2's weights lie the other way round."""
    return tuple(module.weight.shape if isinstance(module, Conv1D) else reversed(module.weight.shape))


@pytest.mark.parametrize("extra", [{}, BIASES, {"tie_word_embeddings": False}], ids=["plain", "biases", "untied"])
@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_and_linear_layers(family, extra):
    assert_counted(AutoConfig.for_model(family, **sizes(family, **extra)))


@pytest.mark.parametrize("extra", [{}, BIASES], ids=["plain", "biases"])
@pytest.mark.parametrize("design", FALCON)
def test_parameters_and_linear_layers_of_every_design(design, extra):
    config = AutoConfig.for_model("falcon", **sizes("falcon", **extra | FALCON[design]))
    assert_counted(config)
    assert shape_from_config(config.to_dict()).num_kv_heads == attention_sizes(config)[0].num_kv_heads


def assert_counted(config):
    """Every parameter, and the name and size of every linear layer but the head; the larger of two sizes."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    shape = shape_from_config(config.to_dict())
    assert shape.num_params == sum(parameter.numel() for parameter in model.parameters())
    linears = {}
    modules = linear_modules(model)
    for path, module in modules.items():
        name = path.rsplit(".", 1)[-1]
        linears[name] = max(linears.get(name, linear_sizes(module)), linear_sizes(module))
    assert shape.linears == linears
    assert shape.linear_params == sum(module.weight.numel() for module in modules.values())
    assert shape.layer_params == sum(parameter.numel() for parameter in decoder_layers(model).parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_keys_that_a_config_leaves_out_are_read_as_transformers_reads_them(family):
    """64 heads, which every family's own number of key-value heads divides."""
    given = {"num_hidden_layers": 8, "hidden_size": 512, "num_attention_heads": 64}
    given |= {OWN_NAMES.get(family, {}).get("intermediate_size", "intermediate_size"): 48}
    given |= {"model_type": family, "vocab_size": 64}
    theirs = AutoConfig.for_model(**given, pad_token_id=0, eos_token_id=1, bos_token_id=2)
    for key in ("head_dim", "num_key_value_heads"):
        if getattr(layer_configs(theirs)[0], key, 0) is None:
            # transformers itself cannot build this family without one.
            given[key] = 8
            setattr(theirs, key, 8)
    shape = shape_from_config(given)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(theirs)
    assert shape.num_params == sum(parameter.numel() for parameter in model.parameters())
    assert shape.num_kv_heads == attention_sizes(theirs)[0].num_kv_heads
    kinds = getattr(theirs, "layer_types", None)
    if kinds is not None:
        assert shape.num_sliding_layers == kinds.count("sliding_attention")
        assert shape.num_stateful_layers == len(kinds) - kinds.count("sliding_attention") - kinds.count(
            "full_attention"
        )


@pytest.mark.parametrize("wrapper", TEXT_ALONE)
@pytest.mark.parametrize("tied", [True, False])
def test_a_wrapper_of_which_the_text_model_is_loaded_alone(wrapper, tied):
    """No parameter of the vision part; whether the head is tied is the text model's own key."""
    text = SIZES | HYBRID.get(TEXT_ALONE[wrapper], {}) | {"tie_word_embeddings": tied}
    config = AutoConfig.for_model(wrapper, text_config=text, tie_word_embeddings=not tied)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    shape = shape_from_config(config.to_dict())
    assert shape.num_params == sum(parameter.numel() for parameter in model.parameters())
    assert (shape.family, shape.num_stateful_layers) == (model.config.model_type, 1)


# The first file says 71 key-value heads, which its design does not read.
FALCON_7B = {
    "model_type": "falcon",
    "alibi": False,
    "bias": False,
    "hidden_size": 4544,
    "multi_query": True,
    "new_decoder_architecture": False,
    "num_attention_heads": 71,
    "num_hidden_layers": 32,
    "num_kv_heads": 71,
    "parallel_attn": True,
    "vocab_size": 65_024,
}


@pytest.mark.parametrize(
    ("config", "num_params"),
    [
        (
            {
                "model_type": "gpt2",
                "n_embd": 768,
                "n_layer": 12,
                "n_head": 12,
                "n_positions": 1024,
                "vocab_size": 50257,
            },
            124_439_808,
        ),
        (
            {
                "model_type": "opt",
                "hidden_size": 768,
                "ffn_dim": 3072,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "max_position_embeddings": 2048,
                "word_embed_proj_dim": 768,
                "do_layer_norm_before": True,
                "_remove_final_layer_norm": False,
                "vocab_size": 50272,
            },
            125_239_296,
        ),
        (
            {
                "model_type": "gpt_neox",
                "hidden_size": 512,
                "intermediate_size": 2048,
                "num_hidden_layers": 6,
                "num_attention_heads": 8,
                "rotary_pct": 0.25,
                "tie_word_embeddings": False,
                "vocab_size": 50304,
            },
            70_426_624,
        ),
        (
            {
                "model_type": "gemma2",
                "hidden_size": 2304,
                "intermediate_size": 9216,
                "num_hidden_layers": 26,
                "num_attention_heads": 8,
                "num_key_value_heads": 4,
                "head_dim": 256,
                "sliding_window": 4096,
                "vocab_size": 256_000,
            },
            2_614_341_888,
        ),
        (FALCON_7B, 6_921_720_704),
        (FALCON_7B | {"tie_word_embeddings": False}, 7_217_189_760),
        (
            FALCON_7B
            | {"hidden_size": 8192, "num_attention_heads": 128, "num_hidden_layers": 60}
            | {"new_decoder_architecture": True, "num_kv_heads": 8},
            41_303_293_952,
        ),
        (
            {
                "model_type": "falcon",
                "hidden_size": 4096,
                "ffn_hidden_size": 16_384,
                "num_attention_heads": 32,
                "num_hidden_layers": 60,
                "num_kv_heads": 8,
                "num_ln_in_parallel_attn": 1,
                "new_decoder_architecture": True,
                "tie_word_embeddings": False,
                "vocab_size": 65_024,
            },
            11_102_822_400,
        ),
        (
            {
                "model_type": "falcon",
                "alibi": True,
                "bias": True,
                "hidden_size": 2048,
                "multi_query": False,
                "new_decoder_architecture": False,
                "num_attention_heads": 32,
                "num_hidden_layers": 24,
                "parallel_attn": False,
                "vocab_size": 50_304,
            },
            1_311_625_216,
        ),
        (
            {
                "model_type": "llama",
                "head_dim": 256,
                "hidden_size": 3072,
                "intermediate_size": 23_040,
                "num_attention_heads": 12,
                "num_hidden_layers": 28,
                "num_key_value_heads": 4,
                "vocab_size": 131_072,
            },
            7_455_550_464,
        ),
    ],
    ids=[
        *("gpt2", "opt-125m", "pythia-70m", "gemma-2-2b"),
        *("falcon-7b", "falcon-7b, with a head", "falcon-40b", "falcon-11b", "falcon-rw-1b", "Falcon3-7B"),
    ],
)
def test_released_configs_have_the_parameters_that_are_published(config, num_params):
    """Under the names that released config.json files have."""
    assert shape_from_config(config).num_params == num_params


def test_keys_of_released_lfm2_configs_are_read():
    """LFM2-1.2B: 1,170,340,608 parameters, an MLP of 8192 (2/3 of 12,288), ten layers without attention of 16."""
    config = {"model_type": "lfm2", "hidden_size": 2048, "num_hidden_layers": 16, "vocab_size": 65_536}
    config |= {"num_attention_heads": 32, "num_key_value_heads": 8, "block_ff_dim": 12_288, "conv_L_cache": 3}
    shape = shape_from_config(config | {"full_attn_idxs": [2, 5, 8, 10, 12, 14]})
    assert shape.num_params == 1_170_340_608
    assert (shape.intermediate, shape.num_stateful_layers, shape.layers_behind) == (8192, 10, (1, 0))
    # Six layers with keys and values of 8 x 64 numbers, ten with three inputs of the convolution in fp32.
    assert sequence_kv_bytes(shape, tokens=1024) == 6 * 2 * 512 * 2 * 1024 + 10 * 4 * 3 * 2048


@pytest.mark.parametrize("family", [*HYBRID, *UNLIKE])
def test_an_adapter_has_parameters_where_a_kind_of_layer_has_its_targets(family):
    """PEFT's own count, of all linear layers and of a list of which each kind has a part."""
    model_config = AutoConfig.for_model(family, **sizes(family))
    for targets in (
        "all-linear",
        '["v_proj","per_layer_model_projection"]' if family in UNLIKE else '["q_proj","out_proj"]',
    ):
        overrides = SMALL_STEP | {"model.tuning.method": "lora", "model.tuning.targets": targets}
        config = load_config("plain", [f"{name}={value}" for name, value in overrides.items()]).config
        shape = shape_from_config(model_config.to_dict())
        policy = meta_policy(model_config, config.model)
        trained = sum(tensor.numel() for tensor in policy.parameters() if tensor.requires_grad)
        assert adapter_params(shape, workload_of(config, shape)) == trained


@pytest.mark.parametrize(
    ("family", "dropped"),
    [
        ("gemma3_text", {"norms": "before"}),
        ("olmo2", {"norms": "before"}),
        ("olmo2", {"query_norm": "none"}),
        ("olmo2", {"weighs_in_fp32": False}),
        ("cohere", {"norms": "before"}),
        ("cohere", {"centres": False}),
        ("olmo2", {"tables_in_fp32": False}),
        ("phi3", {"lays_out_by_head": False}),
        ("phi3", {"fuses_gate": False}),
        ("granite", {"scales_blocks": False}),
        ("lfm2", {"query_norm": "none"}),
        ("qwen3_5_text", {"gates_attention": False}),
        ("qwen3_5_text", {"rotated_share": None}),
        ("starcoder2", {"has_gate": True}),
        ("starcoder2", {"norm_code": "own"}),
        ("stablelm", {"holds_first_norm": False}),
        ("nemotron", {"norm_code": "torch"}),
        ("gpt_neox", {"parallel_norms": "parallel"}),
        ("gpt_neox", {"shares_heads": True}),
        ("falcon", {"norm_count_keys": None}),
        ("falcon", {"own_attention": None}),
        ("falcon", {"holds_first_norm": False}),
        ("gpt2", {"learned_positions": None}),
        ("gpt2", {"qkv_name": None}),
        ("opt", {"learned_positions": 0}),
        ("opt", {"qkv_bias": False}),
        ("gemma4_text", {"keeps_squares": False}),
        ("gemma4_text", {"has_layer_inputs": False}),
    ],
    ids=str,
)
def test_a_dropped_term_moves_the_plan(family, dropped, monkeypatch):
    """So that a row of the table without it fails the tests above: here the plan itself is seen to change."""
    methods = ({"model.tuning.method": "full"}, {"model.tuning.method": "lora", "model.tuning.dropout": 0.1})
    settings = [[f"{key}={value}" for key, value in (SMALL_STEP | method).items()] for method in methods]
    configs = [load_config("plain", overrides).config for overrides in settings]
    values = AutoConfig.for_model(family, **sizes(family)).to_dict()

    def planned():
        phases._forward_backward.cache_clear()
        shape = shape_from_config(values)
        return [
            [phase.components for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)]
            for config in configs
        ]

    whole = planned()
    monkeypatch.setitem(FAMILIES, family, replace(FAMILIES[family], **dropped))
    assert planned() != whole


@pytest.mark.parametrize(
    "values",
    [
        {"model_type": "cohere", "use_qk_norm": True},
        {"model_type": "opt", "ffn_dim": 64, "do_layer_norm_before": False},
        {"model_type": "opt", "ffn_dim": 64, "word_embed_proj_dim": 32},
        {"model_type": "gpt2", "add_cross_attention": True},
        {"model_type": "lfm2", "layer_types": ["full_attention", "linear_attention"]},
        {"model_type": "qwen3_next"},
        {"model_type": "llama", "num_local_experts": 4},
        {"model_type": "gemma4_text", "num_experts": 4},
        {"model_type": "gemma4_text", "use_bidirectional_attention": "all"},
        {"model_type": "gemma4_text", "per_layer_config": {"0": {"sliding_window": 64}}},
        {"model_type": "qwen3", "per_layer_config": {"0": {"head_dim": 32}}},
        {"model_type": "llama", "attn_logit_softcapping": 50.0},
        {"model_type": "arcee", "hidden_act": "quick_gelu"},
        {"model_type": "llama", "hidden_act": "relu2"},
        {"model_type": "stablelm", "qk_layernorm": True},
        {"model_type": "qwen3", "layer_types": ["full_attention", "linear_attention"]},
    ],
    ids=str,
)
def test_a_term_that_is_not_understood_has_no_formula(values):
    """It is never guessed: the plan comes from the simulation."""
    with pytest.raises(NoFormulaError):
        shape_from_config(SIZES | values)
