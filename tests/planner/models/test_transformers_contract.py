"""Shapes against transformers' own modules: fails when a family is built differently from what we count."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from leanrl.planner.models.shapes import shape_from_config

SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
}


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "qwen2"},
        {"model_type": "qwen2", "tie_word_embeddings": True},
        {"model_type": "qwen3", "head_dim": 16},
        {"model_type": "qwen3", "head_dim": 16, "attention_bias": True},
        {"model_type": "llama", "attention_bias": True, "mlp_bias": True},
        {"model_type": "llama", "head_dim": 24},
        {"model_type": "mistral", "head_dim": 16},
        {"model_type": "gemma3_text", "head_dim": 16, "tie_word_embeddings": True},
        {"model_type": "gemma3_text", "head_dim": 16, "attention_bias": True},
        {"model_type": "phi3"},
    ],
    ids=lambda config: "-".join(str(value) for value in config.values()),
)
def test_parameters_and_linear_layers(config):
    """Every parameter, and the name and size of every linear layer of a decoder layer."""
    values = SIZES | config
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**values))
    shape = shape_from_config(values)
    assert shape.num_params == sum(parameter.numel() for parameter in model.parameters())
    layer = model.get_decoder().layers[0]
    linears = {
        name.rsplit(".", 1)[-1]: (module.in_features, module.out_features)
        for name, module in layer.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    assert shape.linears == linears


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "llama", "mistral", "gemma3_text", "phi3"])
@pytest.mark.parametrize("keys", [{}, {"use_sliding_window": True, "max_window_layers": 20}])
def test_a_config_that_leaves_keys_out_is_read_as_transformers_reads_it(family, keys):
    """64 heads, which every family's own number of key-value heads divides; windows and head sizes of their own."""
    values = {"num_hidden_layers": 30, "hidden_size": 512, "intermediate_size": 48, "num_attention_heads": 64}
    values |= {"model_type": family, "vocab_size": 64, **keys}
    theirs = AutoConfig.for_model(**values, pad_token_id=0, eos_token_id=1, bos_token_id=2)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(theirs)
    shape = shape_from_config(values)
    assert shape.num_params == sum(parameter.numel() for parameter in model.parameters())
    assert shape.tied == theirs.tie_word_embeddings
    assert shape.num_kv_heads == theirs.num_key_value_heads
    assert shape.sliding_window == getattr(theirs, "sliding_window", None)
    kinds = getattr(theirs, "layer_types", None)
    everywhere = 30 if shape.sliding_window else 0
    assert shape.num_sliding_layers == (everywhere if kinds is None else kinds.count("sliding_attention"))
