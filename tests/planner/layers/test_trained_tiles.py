"""Tiles of an MLP against the simulation: casts that tiles make for themselves, gradients of weights, NF4 layers."""

import pytest
from transformers import AutoConfig

from leanrl.config.load import load_config
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of
from leanrl.simulate.step import simulate_step
from tests.planner.sample_runs import SMALL_STEP

# Few tokens and wide MLPs, so that weights and their gradients are most of what a tile holds.
SIZES = {
    "num_hidden_layers": 6, "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8,
    "num_key_value_heads": 2, "vocab_size": 1024, "max_position_embeddings": 4096,
}  # fmt: skip
FP32_MASTERS = {"model.tuning.method": "full", "model.dtype": "float32", "model.compute_dtype": "bfloat16"}
CASES = {
    "fp32 masters": ("llama", FP32_MASTERS | {"train.tile_tokens": 512}),
    "fp32 masters in small tiles": ("llama", FP32_MASTERS | {"train.tile_tokens": 64}),
    "fp32 masters without tiles": ("llama", FP32_MASTERS),
    "fp32 masters without a gate": ("arcee", FP32_MASTERS | {"train.tile_tokens": 128}),
    "bf16 in small tiles": ("llama", {"model.tuning.method": "full", "train.tile_tokens": 64}),
    "shards": (
        "llama",
        {"model.tuning.method": "full", "hardware.num_gpus": 4, "train.num_prompts": 4, "train.tile_tokens": 128},
    ),
    "NF4 gate and up in one": ("phi3", {"model.tuning.method": "qlora", "train.tile_tokens": 64}),
    "NF4 gate and up apart": ("llama", {"model.tuning.method": "qlora", "train.tile_tokens": 64}),
}


@pytest.mark.parametrize("num_completions", [2, 4], ids=["one micro-batch", "two"])
@pytest.mark.parametrize("name", CASES)
def test_the_peak_is_that_of_the_simulation(name, num_completions):
    """No more than 2 % low, which may end a run, and no more than 5 % high."""
    family, changes = CASES[name]
    model_config = AutoConfig.for_model(family, **SIZES, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    values = SMALL_STEP | {"train.num_prompts": 1, "train.num_completions": num_completions} | changes
    config = load_config("plain", [f"{key}={value}" for key, value in values.items()]).config
    shape = shape_from_config(model_config.to_dict())
    planned = {phase.name: phase.bytes for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)}
    simulated = {phase.name: phase.bytes for phase in simulate_step(config, model_config).phases}
    ratio = planned["forward_backward"] / simulated["forward_backward"]
    assert 0.98 <= ratio <= 1.05
