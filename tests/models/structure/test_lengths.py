"""Rows longer than a model can take are refused before it is loaded; longer than trained, they are warned of."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.models.structure.lengths import length_limit, require_lengths, warn_of_untrained_lengths
from tests.engine.tiny_families import FAMILIES, config_of

LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0] * 4,
    "long_factor": [4.0] * 4,
    "original_max_position_embeddings": 64,
}
DYNAMIC = {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}
TABLES = ["gpt2", "gpt_bigcode", "opt", "gptj", "xglm", "codegen", "gpt_neo", "biogpt"]
SIZES_OF = {
    "xglm": {"d_model": 32, "ffn_dim": 48, "attention_heads": 4, "num_layers": 2},
    "codegen": {"rotary_dim": 4},
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2},
}


def run_of(prompt, completion, **rollout):
    lengths = {"max_prompt_tokens": prompt, "max_completion_tokens": completion}
    return RunConfig.model_validate({"rollout": lengths | rollout})


@pytest.mark.parametrize("family", TABLES)
def test_positions_out_of_a_table_end_with_it(family):
    config = config_of(family, **SIZES_OF.get(family, {}))
    assert length_limit(config).num_tokens == 256
    require_lengths(run_of(100, 156), config)
    with pytest.raises(ConfigError, match=f"can have 257 tokens, and {family} takes 256: its table") as refused:
        require_lengths(run_of(100, 157), config)
    assert refused.value.hint == "-s rollout.max_completion_tokens=156"


def test_a_prompt_that_takes_the_whole_table_is_cut_too():
    with pytest.raises(ConfigError) as refused:
        require_lengths(run_of(512, 8), config_of("gpt2"))
    assert refused.value.hint == "-s rollout.max_prompt_tokens=128 -s rollout.max_completion_tokens=128"


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in TABLES])
def test_other_families_have_no_limit(family):
    assert length_limit(config_of(family)) is None


@pytest.mark.parametrize(
    ("family", "values", "limit"),
    [
        ("phi3", {"rope_parameters": LONGROPE, "original_max_position_embeddings": 64}, 64),
        ("llama", {"rope_parameters": LONGROPE}, 64),
        ("llama", {"rope_parameters": DYNAMIC}, 256),
        ("gpt_neox", {"rope_parameters": DYNAMIC | {"partial_rotary_factor": 0.5}}, 256),
    ],
)
def test_factors_that_change_with_the_length_end_where_they_change(family, values, limit):
    """Up to the limit a row's numbers do not depend on its neighbours; one token more and they do."""
    config = config_of(family, **values)
    assert length_limit(config).num_tokens == limit
    with pytest.raises(ConfigError, match=f"takes {limit}: beyond, its"):
        require_lengths(run_of(32, limit - 31), config)
    assert _change_by_a_neighbour(config, limit) < 1e-5
    assert _change_by_a_neighbour(config, limit + 1) > 1e-3


@pytest.mark.parametrize(
    ("family", "values", "limit"),
    [
        ("phi3", {"rope_parameters": LONGROPE, "original_max_position_embeddings": 64}, 64),
        ("llama", {"rope_parameters": LONGROPE}, 64),
        ("llama", {"rope_parameters": DYNAMIC}, 256),
    ],
)
def test_a_row_beyond_the_limit_was_sampled_with_other_factors_than_one_pass_has(family, values, limit):
    """So rows of one kind in a micro-batch of their own would be scored wrong as well (docs/decisions.md)."""
    config = config_of(family, **values)
    assert _sampled_from_scored(config, limit - 12, limit) < 1e-4
    assert _sampled_from_scored(config, limit - 6, limit + 6) > 1e-3


def test_the_context_of_vllm_counts_too():
    """It takes the long factors for every row where its context is longer."""
    config = config_of("phi3", rope_parameters=LONGROPE, original_max_position_embeddings=64)
    with pytest.raises(ConfigError, match="can have 65 tokens"):
        require_lengths(run_of(20, 20, max_model_tokens=65), config)


def warnings_of(family, *, prompt, completion):
    run = run_of(512, completion)
    return list(warn_of_untrained_lengths(run, config_of(family), longest_prompt_tokens=prompt))


def test_rotary_models_are_warned_beyond_what_they_were_trained_on():
    (warning,) = warnings_of("qwen2", prompt=100, completion=157)
    assert "rows can have 100 + 157 tokens, and max_position_embeddings of the model is 256" in warning
    assert "-s rollout.max_completion_tokens=156" in warning
    assert warnings_of("qwen2", prompt=100, completion=156) == []
    assert warnings_of("mamba", prompt=100, completion=157) == []


@torch.no_grad()
def _change_by_a_neighbour(config, num_tokens):
    """The largest change of a row of 30 tokens beside one of `num_tokens`, padded on the right."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()
    ids = torch.randint(3, 64, (2, num_tokens))
    alone = model(ids[:1, :30]).logits
    beside = model(ids).logits[:1, :30]
    return (alone - beside).abs().max()


@torch.no_grad()
def _sampled_from_scored(config, num_prompt_tokens, num_tokens):
    """The largest difference of logits as a text is generated and as one pass over all of it computes them."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa").eval()
    prompt = torch.randint(3, 64, (1, num_prompt_tokens))
    new_tokens = num_tokens - num_prompt_tokens
    lengths = {"min_new_tokens": new_tokens, "max_new_tokens": new_tokens}
    generated = model.generate(
        prompt, do_sample=False, output_logits=True, return_dict_in_generate=True, use_cache=True, **lengths
    )
    scored = model(generated.sequences).logits[0, num_prompt_tokens - 1 : -1]
    return (torch.cat(generated.logits) - scored).abs().max()
