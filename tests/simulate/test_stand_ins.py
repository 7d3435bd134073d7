"""NF4 stand-ins: which layers they replace, and the bytes that these hold."""

import torch
from transformers import AutoModelForCausalLM, GPT2Config

from leanrl.models.structure.empty_model import empty_model
from leanrl.models.weights.nf4 import nf4_settings
from leanrl.simulate.stand_ins import NF4Linear, quantise
from tests.families.table import named
from tests.families.tiny import tiny_config


def test_transposed_linear_layers_are_quantised_and_the_head_is_not():
    """GPT-2, 2 layers of width 32: 3h + h + 4h + 4h columns or rows of h each, at half a byte."""
    config = GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=64, vocab_size=64, tie_word_embeddings=False)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    quantise(model, compute_dtype=torch.bfloat16)
    quantised = [module for module in model.modules() if isinstance(module, NF4Linear)]
    sizes = [(module.in_features, module.out_features) for module in quantised]
    assert sizes == 2 * [(32, 96), (32, 32), (32, 128), (128, 32)]
    assert sum(module.weight.numel() for module in quantised) == 2 * 12 * 32 * 32 // 2
    assert not isinstance(model.get_output_embeddings(), NF4Linear)


def test_a_subclass_of_a_linear_module_stays_as_it_is():
    """PhiMoE's router is one, and returns three tensors; attention has four plain modules in each of two layers."""
    model = empty_model(tiny_config(named("phimoe")))
    quantise(model, compute_dtype=torch.bfloat16)
    assert type(model.model.layers[0].mlp.router).__name__ == "PhimoeTopKRouter"
    assert sum(isinstance(module, NF4Linear) for module in model.modules()) == 8


def test_weights_that_a_layer_reads_itself_are_not_quantised():
    """By the stand-ins, and by what transformers is told; the head is in a list that takes the place of its own."""
    model_config = tiny_config(named("mamba"))
    model = empty_model(model_config)
    quantise(model, compute_dtype=torch.bfloat16)
    mixer = model.backbone.layers[0].mixer
    assert [type(module).__name__ for module in (mixer.in_proj, mixer.dt_proj)] == ["NF4Linear", "Linear"]
    skipped = nf4_settings(model_config).llm_int8_skip_modules
    assert {"lm_head", "backbone.layers.0.mixer.dt_proj"} <= set(skipped)
    assert nf4_settings(GPT2Config(n_layer=1, n_embd=8, n_head=2)).llm_int8_skip_modules is None
