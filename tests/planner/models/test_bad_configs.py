"""A config.json that makes no sense, or means another model than its family's, is refused by name; no traceback."""

import json
import math

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError, NoFormulaError
from leanrl.planner.models.families import FAMILIES
from leanrl.planner.models.shapes import shape_from_config
from leanrl.simulate.run import simulate_run

PLAIN = {
    "num_hidden_layers": 4,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 100,
    "tie_word_embeddings": True,
}
# Every key that some family's shape is read from.
KEYS = {
    *PLAIN,
    *(key for family in FAMILIES.values() for key in (*family.defaults, *family.other_names.values())),
    *("model_type", "text_config", "layer_types", "sliding_window", "use_sliding_window", "max_window_layers"),
    *("sliding_window_pattern", "partial_rotary_factor", "rope_parameters", "rope_scaling", "hidden_act"),
    *("hidden_activation", "attention_bias", "mlp_bias", "full_attn_idxs", "full_attention_interval", "num_experts"),
    *("num_global_key_value_heads", "use_bidirectional_attention", "enable_moe_block"),
    *("attn_logit_softcapping", "clip_qkv", "per_layer_config", "qk_layernorm", "use_qk_norm", "is_encoder_decoder"),
}
NONSENSE = (0, -1, 2.5, "x", [], [1], {}, {"a": 1}, None, True, 10**12, math.nan)


@pytest.mark.parametrize("family", FAMILIES)
def test_nonsense_in_any_key_is_refused_or_is_a_model_of_whole_sizes(family):
    for key in sorted(KEYS):
        names = {key, *(own for own, other in FAMILIES[family].other_names.items() if other == key)}
        for value in NONSENSE:
            outcome = outcome_of({"model_type": family, **PLAIN, key: value})
            is_named = isinstance(outcome, str) and any(name in outcome for name in (*names, str(value)))
            assert type(outcome) is int or is_named, f"{key}={value!r}: {outcome}"


def outcome_of(config):
    """Return the number of parameters, or the text of the refusal."""
    try:
        return shape_from_config(config).num_params
    except (ConfigError, NoFormulaError) as error:
        return str(error)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_experts": 8}, "mixture of experts"),
        ({"n_routed_experts": 8}, "mixture of experts"),
        ({"num_experts_per_tok": 2, "moe_num_experts": 8}, "mixture of experts"),
        ({"use_parallel_residual": True}, "attention and MLP side by side"),
        ({"parallel_attn": True}, "attention and MLP side by side"),
    ],
)
def test_a_key_that_changes_what_a_llama_is_has_no_formula(changes, named):
    """The simulation takes over, which builds what transformers builds of the same file."""
    with pytest.raises(NoFormulaError, match=named):
        shape_from_config({"model_type": "llama", **PLAIN, **changes})


def test_the_parallel_blocks_that_a_family_has_are_its_own():
    stablelm = {"model_type": "stablelm", **PLAIN, "use_parallel_residual": True}
    assert shape_from_config(stablelm).is_parallel


@pytest.mark.parametrize("family", ["llama", "bart", "t5"])
def test_an_encoder_decoder_is_refused_by_name(family):
    with pytest.raises(ConfigError, match=f"encoder-decoder's .*model_type '{family}'"):
        shape_from_config({"model_type": family, **PLAIN, "is_encoder_decoder": True})


@pytest.mark.parametrize("family", ["bart", "t5"])
def test_transformers_own_default_says_so_too(family, tmp_path):
    """A file that leaves the key out: `leanrl plan --exact` reads it through transformers."""
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    with pytest.raises(ConfigError, match="encoder-decoder"):
        simulate_run(load_config("plain", [f"model.id={tmp_path}"]).config)


@pytest.mark.parametrize(
    "changes", [{"hidden_size": 64.5}, {"num_hidden_layers": "four"}, {"rope_parameters": {"rope_type": "longrope"}}]
)
def test_what_transformers_refuses_is_no_traceback(changes, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "phi3", **PLAIN, **changes}))
    with pytest.raises(ConfigError, match=r"config\.json.* is refused by transformers"):
        simulate_run(load_config("plain", [f"model.id={tmp_path}"]).config)
