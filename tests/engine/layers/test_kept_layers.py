"""Kept layers: which ones run once, and the same gradients as with all layers recomputed or none."""

import pytest
import torch

from leanrl.config.schema import TrainConfig
from leanrl.engine.attention.packed import attend_to_packed_rows
from leanrl.engine.layers.kept_layers import decoder_layers, keep_last_layers
from leanrl.engine.prepare import prepare_model
from leanrl.engine.rows import PACKED, PADDED
from tests.engine.layers.test_host_activations import Recorded
from tests.engine.layers.test_tiles import gradients, model_of
from tests.engine.test_families import REFUSED
from tests.engine.tiny_families import FAMILIES
from tests.engine.tiny_families import model_of as tiny_model_of

NON_REENTRANT = {"gradient_checkpointing_kwargs": {"use_reentrant": False}}
NUM_LAYERS = 3
# Rows of 17 to 31 tokens reach over the window; the last layer has another kind of attention than the one before.
WINDOWS = {"sliding_window": 12, "layer_types": ["full_attention", "sliding_attention", "full_attention"]}


def bare(model):
    return model.get_base_model() if hasattr(model, "peft_config") else model


def prepared(kept, *, family="qwen2", tile_tokens=13, copies=None, is_packed=False, **choices):
    """Return a model of three layers of which the last `kept` are; None checkpoints none."""
    model = model_of(family, checkpointing=False, dtype=torch.float32, num_hidden_layers=NUM_LAYERS, **choices)
    train = TrainConfig(kept_layers=kept or 0, tile_tokens=tile_tokens, offload_activations=copies is not None)
    prepare_model(bare(model), train, copies=copies, min_bytes=1)
    if is_packed:
        attend_to_packed_rows(bare(model))
    if kept is not None:
        model.gradient_checkpointing_enable(**NON_REENTRANT)
    return model.train()


def count_runs(model):
    """Return how often each decoder layer runs in a step."""
    runs = [0] * NUM_LAYERS
    for index, layer in enumerate(decoder_layers(bare(model))):
        layer.register_forward_pre_hook(lambda *_, index=index: runs.__setitem__(index, runs[index] + 1))
    gradients(model)
    return runs


def assert_close(found, expected):
    """To what fp32 rounds when 93 tokens are summed in another order."""
    assert found[0] == pytest.approx(expected[0].item(), rel=1e-6)
    assert found[1].keys() == expected[1].keys()
    for name, gradient in expected[1].items():
        assert (found[1][name] - gradient).norm() <= 5e-6 * gradient.norm(), name


def assert_same_bits(found, expected):
    assert torch.equal(found[0], expected[0])
    assert found[1].keys() == expected[1].keys()
    assert all(torch.equal(found[1][name], expected[1][name]) for name in expected[1])


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize(("kept", "runs"), [(0, [2, 2, 2]), (1, [2, 2, 1]), (2, [2, 1, 1]), (3, [1, 1, 1])])
def test_the_last_layers_run_once(method, kept, runs):
    assert count_runs(prepared(kept, method=method, tile_tokens=None)) == runs


@pytest.mark.parametrize("layout", [PADDED, PACKED], ids=["padded", "packed"])
@pytest.mark.parametrize("choices", [{"method": "full"}, {"method": "lora", "dropout": 0.5}], ids=["full", "lora"])
@pytest.mark.parametrize(("family", "values"), [("qwen2", {}), ("phi3", {}), ("gemma3_text", WINDOWS)])
def test_gradients_are_the_same_to_the_bit(family, values, choices, layout):
    """Adapters drop half of what they read: layers that run again drop the same numbers."""
    asked = {"family": family, "tile_tokens": None, "is_packed": layout is PACKED, **choices, **values}
    expected = gradients(prepared(None, **asked), layout)
    for kept in range(NUM_LAYERS + 1):
        assert_same_bits(gradients(prepared(kept, **asked), layout), expected)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_gradients_of_whole_layers_are_those_of_tiles(method):
    """Kept layers run whole, the others in tiles of 13 tokens: sums in another order."""
    expected = gradients(prepared(None, method=method, tile_tokens=13))
    for kept in range(NUM_LAYERS + 1):
        assert_close(gradients(prepared(kept, method=method, tile_tokens=13)), expected)


def test_the_mlp_of_a_kept_layer_runs_once():
    """93 tokens in tiles of 13 are 8 runs forward and 8 in the backward pass, after one token that shows the output."""
    model = prepared(1, tile_tokens=13)
    runs = []
    for index, layer in enumerate(decoder_layers(model)):
        layer.mlp.gate_proj.register_forward_pre_hook(lambda *_, index=index: runs.append(index))
    gradients(model)
    assert [runs.count(index) for index in range(NUM_LAYERS)] == [17, 17, 1]


@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in REFUSED])
def test_every_family_keeps_its_layers_one_by_one(family):
    """Families with states, experts and shared layers too."""
    expected = gradients(_tiny(family, None))
    for kept in (0, 1, 2):
        assert_same_bits(gradients(_tiny(family, kept)), expected)


def _tiny(family, kept):
    model = tiny_model_of(family, attention="eager")
    assert len(decoder_layers(model)) == 2
    prepare_model(model, TrainConfig(kept_layers=kept or 0, tile_tokens=None))
    if kept is not None:
        model.gradient_checkpointing_enable(**NON_REENTRANT)
    return model.train()


@pytest.mark.parametrize("method", ["full", "lora"])
def test_offloaded_inputs_are_those_of_layers_that_run_again(method):
    """A kept layer saves a dozen tensors, all of which stay where they are."""
    expected = gradients(prepared(None, method=method, tile_tokens=None))
    num_moved = []
    for kept in range(NUM_LAYERS + 1):
        copies = Recorded()
        assert_same_bits(gradients(prepared(kept, method=method, tile_tokens=None, copies=copies)), expected)
        num_moved.append(len(copies.hosts))
    outside = num_moved[-1]
    assert [moved - outside for moved in num_moved] == [3, 2, 1, 0]


def test_layers_are_given_back_while_checkpointing_is_on():
    model = prepared(2, tile_tokens=None)
    expected = gradients(model)
    model.zero_grad()
    keep_last_layers(model, 1)
    assert_same_bits(gradients(model), expected)
    assert count_runs(model) == [2, 2, 1]


def test_more_layers_than_there_are_cannot_be_kept():
    with pytest.raises(ValueError, match="4 of 3 layers"):
        prepared(4)


def test_checkpointing_that_is_switched_off_and_on_again_keeps_the_same_layers():
    """As generation does, which wants a KV cache."""
    model = prepared(1, tile_tokens=None)
    model.gradient_checkpointing_disable()
    model.gradient_checkpointing_enable(**NON_REENTRANT)
    assert count_runs(model) == [2, 2, 1]
