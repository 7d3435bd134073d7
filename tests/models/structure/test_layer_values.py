"""Values that differ from layer to layer are read layer by layer, whichever way a config says them."""

import pytest
import torch
from transformers import AutoConfig

from leanrl.config.schema import RunConfig
from leanrl.engine.attention.windows import window_mask
from leanrl.errors import NoFormulaError
from leanrl.models.structure.attention import usable_attention
from leanrl.models.structure.layer_values import AttentionSizes, attention_sizes, layer_values, shared_value
from leanrl.models.structure.lengths import length_limit, warn_of_untrained_lengths
from leanrl.models.structure.shape import shape_of
from leanrl.planner.memory.kv_cache import sequence_kv_bytes
from leanrl.planner.models.shapes import shape_from_config
from tests.engine.tiny_families import model_of
from tests.families.table import named
from tests.families.tiny import tiny_config

SIZES = {"hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2}


@pytest.mark.parametrize(
    ("family", "values", "expected"),
    [
        ("llama", SIZES, [(4, 2, 16), (4, 2, 16)]),
        ("qwen3", SIZES | {"head_dim": 32}, [(4, 2, 32), (4, 2, 32)]),
        ("qwen3", SIZES | {"head_dim": 32, "per_layer_config": {1: {"head_dim": 8}}}, [(4, 2, 32), (4, 2, 8)]),
        ("gpt2", {"n_embd": 64, "n_head": 4, "n_layer": 1}, [(4, 4, 16)]),
        ("falcon", SIZES | {"num_kv_heads": 2, "multi_query": True}, [(4, 1, 16), (4, 1, 16)]),
        ("falcon", SIZES | {"num_kv_heads": 2, "new_decoder_architecture": True}, [(4, 2, 16), (4, 2, 16)]),
        ("mamba", {"hidden_size": 64, "num_hidden_layers": 1}, [(1, 1, 64)]),
        ("deepseek_v3", dict(named("deepseek_v3").settings), [(4, 4, 24), (4, 4, 24)]),
        ("gemma4_text", dict(named("gemma4_text").settings), 2 * [(4, 2, 16), (4, 1, 32)]),
    ],
)
def test_heads_of_each_layer(family, values, expected):
    """DeepSeek: 16 numbers without positions and 8 with. Gemma 4: full attention has wider heads, fewer of keys."""
    assert attention_sizes(AutoConfig.for_model(family, **values)) == [AttentionSizes(*sizes) for sizes in expected]


def test_a_list_is_one_entry_of_each_layer():
    config = tiny_config(named("gemma3n_text"))
    assert layer_values(config, "intermediate_size") == [128] * 4
    assert shared_value(config, "activation_sparsity_pattern") is None
    assert layer_values(config, "no_such_name") == [None] * 4


DIFFERS = {"head_dim": 8, "num_key_value_heads": 4, "num_attention_heads": 8, "sliding_window": 4}
DIFFERS |= {"intermediate_size": 32, "max_position_embeddings": 64, "attn_logit_softcapping": 3.0}


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "gemma2", "gemma3_text", "phi3", "olmo3", "cohere2"])
def test_no_reader_of_a_config_stops_at_a_layer_that_differs(family):
    """transformers raises for an attribute that only one layer has otherwise; every reader meets such a config."""
    values = SIZES | {"head_dim": 16, "sliding_window": 8, "attn_logit_softcapping": None, "pad_token_id": 0}
    config = AutoConfig.for_model(family, **values)
    config.per_layer_config = {1: DIFFERS}
    assert config.per_layer_attributes >= {"head_dim", "num_key_value_heads", "sliding_window"}
    assert attention_sizes(config)[1] == AttentionSizes(8, 4, 8)
    assert usable_attention(config, "sdpa").name == "eager"
    assert length_limit(config) is None
    assert list(warn_of_untrained_lengths(RunConfig(), config, longest_prompt_tokens=60)) != []
    model = model_of("llama")
    model.config = config
    assert window_mask(model, torch.zeros(1, 32, dtype=torch.int64)) is None
    with pytest.raises(NoFormulaError):
        shape_from_config(config.to_dict())


def test_the_kv_cache_is_planned_layer_by_layer():
    """Layers 2 and 3 borrow. Layer 0: 2 heads of 16 in a window of 16 tokens; layer 1: one of 64 over 64 tokens."""
    config = tiny_config(named("gemma4_text"))
    config.per_layer_config = {layer: {"head_dim": 64, "num_key_value_heads": 1} for layer in (1, 3)}
    assert {(sizes.num_kv_heads, sizes.head_dim) for sizes in attention_sizes(config)} == {(2, 16), (1, 64)}
    shape = shape_of(config)
    assert [(sizes.num_kv_heads, sizes.head_dim) for sizes in shape.layers] == [(2, 16), (1, 64)] * 2
    bytes_by_hand = 2 * 2 * 16 * 16 * 2 + 2 * 1 * 64 * 64 * 2
    assert sequence_kv_bytes(shape, tokens=64, bytes_per_number=2) == bytes_by_hand
