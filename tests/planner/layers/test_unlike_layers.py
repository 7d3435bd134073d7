"""Models whose layers differ in size: each key of their config on and off, against the simulation and by hand."""

import pytest
from transformers import AutoConfig

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.planner.layers.norms import key_value_norms_bytes
from leanrl.planner.memory.kv_cache import kv_bytes_per_token, sequence_kv_bytes
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.time.duration import training_operations
from leanrl.planner.time.length_profile import middle_profile
from leanrl.planner.workload import workload_of
from leanrl.simulate.step import simulate_step
from tests.planner.family_sizes import sizes
from tests.planner.sample_runs import SMALL_STEP

LORA, FULL, QLORA = ({"model.tuning.method": method} for method in ("lora", "full", "qlora"))
ALIKE = {
    "num_kv_shared_layers": 0,
    "attention_k_eq_v": False,
    "use_double_wide_mlp": False,
    "hidden_size_per_layer_input": 0,
}
# Wider than flash attention takes; with shared heads that are repeated, and an MLP that hides nothing.
WIDE = {"global_head_dim": 320, "attention_k_eq_v": False, "intermediate_size": 512}
CASES = {
    "heads alone, LoRA": (ALIKE, LORA),
    "heads alone, full": (ALIKE, FULL),
    "no inputs of layers": ({"hidden_size_per_layer_input": 0}, LORA),
    "nobody borrows": ({"num_kv_shared_layers": 0}, FULL),
    "wide inputs, LoRA": ({"hidden_size_per_layer_input": 256}, LORA | {"algorithm.kl_beta": 0.04}),
    "wide inputs, full": ({"hidden_size_per_layer_input": 256}, FULL),
    "inputs that ask for nothing": ({}, LORA | {"model.tuning.targets": '["q_proj","v_proj","down_proj"]'}),
    "wide heads": ({"global_head_dim": 320}, LORA),
    "wide heads that share keys": (WIDE, FULL),
    "wide heads, padded": ({"global_head_dim": 320}, LORA | {"train.pack_rows": "never"}),
    "windows that rows reach": ({}, LORA | {"train.pack_rows": "never"}),
    "QLoRA": ({}, QLORA),
    "full in tiles": ({}, FULL | {"train.tile_tokens": 256}),
    "one micro-batch": ({}, FULL | {"train.num_prompts": 1}),
    "borrowers are kept": ({}, FULL | {"train.kept_layers": 2}),
    "lenders are kept": ({}, LORA | {"train.kept_layers": 4}),
    "eager": ({}, LORA | {"model.attention": "eager"}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_peak_is_that_of_the_simulation(name):
    """No more than 2 % low, which may end a run, and no more than 5 % high, as in docs/planning.md."""
    changes, values = CASES[name]
    model_config = AutoConfig.for_model("gemma4_text", **sizes("gemma4_text", **changes))
    config = load_config("plain", [f"{key}={value}" for key, value in (SMALL_STEP | values).items()]).config
    shape = shape_from_config(model_config.to_dict())
    planned = {phase.name: phase.bytes for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)}
    simulated = {phase.name: phase.bytes for phase in simulate_step(config, model_config).phases}
    for phase in ("reference", "forward_backward"):
        if phase in simulated:
            assert -0.02 < planned[phase] / simulated[phase] - 1 < 0.05


def config_of(**changes):
    """s f s | s f: the last two borrow; heads of 64 with a window, of 128 without, whose values are the keys."""
    return {"model_type": "gemma4_text", **sizes("gemma4_text", **changes)}


def test_layers_that_borrow_have_no_kv_cache():
    """Two layers with a window of 2 x 64 keys, one without of 1 x 128: 128 numbers each, keys and values, bf16."""
    shape = shape_from_config(config_of(sliding_window=256))
    assert kv_bytes_per_token(shape) == 3 * 2 * 128 * 2
    assert sequence_kv_bytes(shape, tokens=1024) == 2 * 128 * 2 * (1024 + 2 * 256)


def test_what_norms_of_keys_and_values_keep():
    """Of two heads of 64 in fp32 each, with the mean of the squares and its root; nothing where a layer borrows."""
    config = load_config("plain", [f"{key}={value}" for key, value in (SMALL_STEP | LORA).items()]).config
    shape = shape_from_config(config_of())
    workload = workload_of(config, shape)
    kept = [key_value_norms_bytes(kind, workload) for kind in shape.layer_kinds]
    of_one, of_two_heads = 4 * 128 + 8, 4 * 128 + 2 * 8
    assert kept == [2 * of_two_heads, 2 * of_one, 2 * of_two_heads, 0, 0]


def test_operations_are_those_of_each_layers_heads():
    """Layers of 6 x 128 in the place of 6 x 64 add operations with the square of a row; nothing else is the same."""
    config = load_config("plain", [f"{key}={value}" for key, value in (SMALL_STEP | FULL).items()]).config

    def operations(**changes):
        shape = shape_from_config(config_of(num_kv_shared_layers=0, hidden_size_per_layer_input=0, **changes))
        workload = workload_of(config, shape)
        lengths = middle_profile(workload.completion_tokens)
        return training_operations(shape, workload, lengths), shape.linear_params

    (wide, wide_params), (narrow, narrow_params) = operations(), operations(global_head_dim=64)
    assert wide_params > narrow_params
    assert wide - narrow > 2 * (wide_params - narrow_params)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_kv_shared_layers": 5}, "num_kv_shared_layers is 5; it must be a whole number from 0 to 4"),
        ({"num_kv_shared_layers": 4}, "num_kv_shared_layers lets layers of full_attention borrow"),
        ({"num_global_key_value_heads": 4}, "6 attention heads cannot share 4 of num_global_key_value_heads evenly"),
        ({"per_layer_config": {"1": {"head_dim": -8}}}, "head_dim is -8"),
    ],
)
def test_sizes_that_no_model_has_are_named(changes, named):
    with pytest.raises(ConfigError, match=named):
        shape_from_config(config_of(**changes))


def test_layers_are_read_from_either_form_of_the_config():
    """As released, and as transformers writes it again: with `per_layer_config` in the place of the global sizes."""
    given = config_of()
    written = AutoConfig.for_model(**given).to_dict()
    assert "per_layer_config" in written
    assert "global_head_dim" not in written
    assert shape_from_config(written) == shape_from_config(given)
    assert [layer.head_dim for layer in shape_from_config(given).layers] == [64, 128, 64, 64, 128]


def test_who_lends_and_who_borrows():
    """The last layer of each kind before the borrowers lends; borrowers have MLPs twice as wide."""
    layers = shape_from_config(config_of()).layers
    assert [layer.lends_kv for layer in layers] == [False, True, True, False, False]
    assert [layer.borrows_kv for layer in layers] == [False, False, False, True, True]
    assert [layer.intermediate for layer in layers] == [1024, 1024, 1024, 2048, 2048]
    assert [layer.ties_values for layer in layers] == [False, True, False, False, True]
