"""The scored path of a model against its own logits, for every family whose head differs."""

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, LlamaForCausalLM

from leanrl.algorithms.logprobs import LogitShape
from leanrl.engine.head.logit_shape import UnknownLogitsError, measure_logit_shape
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.errors import ConfigError

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "vocab_size": 40,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}
FAMILIES = [
    {"model_type": "llama"},
    {"model_type": "qwen2", "tie_word_embeddings": True},
    {"model_type": "qwen3"},
    {"model_type": "gemma2", "final_logit_softcapping": 2.0, "query_pre_attn_scalar": 16},
    {"model_type": "gemma3_text", "query_pre_attn_scalar": 16},
    {"model_type": "cohere", "logit_scale": 0.25},
    {"model_type": "granite", "logits_scaling": 4.0},
    # Keys that other families have for the same, a cap without a key, and a decoder that is no `base_model`.
    {"model_type": "hyperclovax", "logits_scaling": 0.125},
    {"model_type": "falcon_h1", "lm_head_multiplier": 0.5, "mamba_d_ssm": 32, "mamba_n_heads": 2, "mamba_d_state": 8},
    {"model_type": "minicpm3", "dim_model_base": 16, "q_lora_rank": 8, "kv_lora_rank": 8, "num_key_value_heads": 2},
    {"model_type": "nanochat"},
    {"model_type": "vaultgemma", "final_logit_softcapping": 2.0, "query_pre_attn_scalar": 16},
    {"model_type": "llama4_text", "moe_layers": [], "intermediate_size_mlp": 48},
]
IDS = torch.tensor([[3, 4, 5, 6, 7, 8]])


def _model(values):
    torch.manual_seed(0)
    config = AutoConfig.for_model(**(SIZES | values), initializer_range=0.3)
    return AutoModelForCausalLM.from_config(config, attn_implementation="sdpa", dtype=torch.float64).eval()


@pytest.mark.parametrize("values", FAMILIES, ids=lambda values: values["model_type"])
def test_scores_are_those_of_the_models_own_logits(values):
    """Log-softmax of logits / 0.7, where the model itself has scaled or capped them."""
    model = _model(values)
    expected = torch.log_softmax(model(IDS).logits[0, :-1] / 0.7, dim=-1)
    attach_logprob_head(model)
    logprobs, entropies = model(IDS, positions_B_T=torch.arange(5)[None], target_ids_B_T=IDS[:, 1:], temperature=0.7)
    assert torch.allclose(logprobs[0], expected.gather(-1, IDS[0, 1:, None]).squeeze(-1), atol=1e-9)
    assert torch.allclose(entropies[0], -(expected.exp() * expected).sum(-1), atol=1e-9)


@pytest.mark.parametrize("values", FAMILIES, ids=lambda values: values["model_type"])
def test_gradients_are_those_of_the_models_own_logits(values):
    """Of the head as of everything below it; a tied head is both."""
    plain, ours = _model(values), _model(values)
    logprobs = torch.log_softmax(plain(IDS).logits[0, :-1], dim=-1).gather(-1, IDS[0, 1:, None])
    logprobs.sum().backward()
    attach_logprob_head(ours)
    ours(IDS, positions_B_T=torch.arange(5)[None], target_ids_B_T=IDS[:, 1:])[0].sum().backward()
    for (name, mine), theirs in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert torch.allclose(mine.grad, theirs.grad, atol=1e-9), name


def test_a_hook_on_the_heads_weight_sees_the_whole_gradient():
    model = _model({"model_type": "llama"})
    attach_logprob_head(model)
    seen = []
    model.lm_head.weight.register_hook(lambda gradient: seen.append(gradient.clone()))
    model(IDS, positions_B_T=torch.arange(5)[None], target_ids_B_T=IDS[:, 1:])[0].sum().backward()
    assert torch.equal(seen[0], model.lm_head.weight.grad)
    assert seen[0].abs().sum() > 0


def _with_bias(model):
    model.lm_head.bias = nn.Parameter(torch.zeros(40))


def _with_adapter(model):
    model.lm_head = nn.Sequential(model.lm_head)


def _in_8_bits(model):
    model.lm_head.weight = nn.Parameter(torch.zeros(40, 32, dtype=torch.int8), requires_grad=False)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (_with_bias, "a bias on the head"),
        (_with_adapter, "a head of type Sequential"),
        (_in_8_bits, "a head in torch.int8"),
    ],
)
def test_a_head_that_the_tiles_would_get_wrong_is_refused_by_name(change, cause):
    model = _model({"model_type": "llama"})
    change(model)
    with pytest.raises(ConfigError, match=f"model.id: llama has {cause}"):
        attach_logprob_head(model)


def test_a_key_that_a_family_does_not_read_changes_nothing():
    """Granite divides by `logits_scaling`; Llama with the same key in its config does not."""
    config = AutoConfig.for_model("llama", **SIZES, logits_scaling=4.0, final_logit_softcapping=2.0)
    assert measure_logit_shape(LlamaForCausalLM, config) == LogitShape()


def test_logits_that_are_another_function_of_the_head_are_refused_by_name():
    class Squared(LlamaForCausalLM):
        def forward(self, *args, **kwargs):
            output = super().forward(*args, **kwargs)
            output.logits = output.logits * output.logits.abs()
            return output

    with pytest.raises(UnknownLogitsError, match=r"llama computes its logits by more than a linear head"):
        measure_logit_shape(Squared, AutoConfig.for_model("llama", **SIZES))
