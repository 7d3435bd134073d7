"""A step of one micro-batch: its fullest moment may lie in the first layers, where nearly all gradients exist."""

import pytest
from transformers import AutoConfig

from leanrl.config.load import load_config
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of
from leanrl.simulate.step import simulate_step
from tests.planner.sample_runs import SMALL_STEP

# Many wide layers, few tokens and words: what gradients take grows faster than what is kept falls.
SIZES = {
    "num_hidden_layers": 12, "hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8,
    "num_key_value_heads": 2, "vocab_size": 1024, "max_position_embeddings": 4096,
}  # fmt: skip
ONE = SMALL_STEP | {"train.num_prompts": 1, "model.tuning.method": "full"}
CASES = {
    "full": {},
    "several rows of different length": {"train.num_completions": 4, "train.micro_batch_completions": 4},
    "kept activations": {"train.gradient_checkpointing": "false"},
    "tiles": {"train.tile_tokens": 256},
    "fp32": {"model.dtype": "float32", "model.compute_dtype": "float32"},
    "adapter of a high rank": {"model.tuning.method": "lora", "model.tuning.rank": 200},
    "few tokens and many words": {
        "rollout.max_prompt_tokens": 8,
        "rollout.max_completion_tokens": 24,
        "rollout.max_model_tokens": 32,
    },
    "shards": {"hardware.num_gpus": 4, "train.num_prompts": 4},
    "two micro-batches": {"train.micro_batch_completions": 1},
}


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("name", CASES)
def test_the_peak_is_that_of_the_simulation(name, tied):
    """No more than 2 % low, which may end a run, and no more than 5 % high."""
    sizes = SIZES | ({"vocab_size": 32_768} if "many words" in name else {})
    model_config = AutoConfig.for_model("llama", **sizes, tie_word_embeddings=tied)
    values = ONE | CASES[name]
    config = load_config("plain", [f"{key}={value}" for key, value in values.items()]).config
    shape = shape_from_config(model_config.to_dict())
    phases = train_phases(shape, workload_of(config, shape), kv_bytes=0)
    planned = next(phase.bytes for phase in phases if phase.name == "forward_backward")
    simulated = next(
        phase.bytes for phase in simulate_step(config, model_config).phases if phase.name == "forward_backward"
    )
    assert 0.98 * simulated <= planned <= 1.05 * simulated
