"""`leanrl plan --exact`: known models, models that only transformers knows, shards, and what it prints."""

import json

import pytest

from leanrl.config.load import load_config
from leanrl.errors import MissingError
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of
from leanrl.simulate.run import simulate_run, simulation_text, to_json

SIZES = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 2048,
    "tie_word_embeddings": False,
}
SMALL = [
    "rollout.max_prompt_tokens=64",
    "rollout.max_completion_tokens=192",
    "rollout.max_model_tokens=256",
    "train.max_tokens_per_micro_batch=null",
]


def folder_with(tmp_path, **values):
    (tmp_path / "config.json").write_text(json.dumps(SIZES | values))
    return str(tmp_path)


def test_a_family_that_only_transformers_knows(tmp_path):
    model = folder_with(tmp_path, model_type="olmo2", architectures=["Olmo2ForCausalLM"])
    config = load_config("plain", [f"model.id={model}", *SMALL]).config
    simulated = simulate_run(config)
    assert [phase.name for phase in simulated.phases] == ["load", "forward_backward", "optimizer_step"]
    assert simulated.peak.name == "forward_backward"


def test_a_model_that_is_nowhere(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MissingError, match="nobody/nothing"):
        simulate_run(load_config("plain", ["model.id=nobody/nothing"]).config)


@pytest.mark.parametrize(
    ("place", "optimizer"),
    [("gpu", "adamw"), ("host", "adamw"), ("gpu", "adamw_8bit"), ("gpu", "adamw_offloaded")],
)
def test_shards_of_the_default_preset(tmp_path, place, optimizer):
    """Three ranks of FSDP2: shards, gathered weights, and gradients that add up in fp32, as the plan has them.

    The reference's shards are on the card or not; what is gathered of them is there while it scores. So is the state of
    the optimizer's parts.
    """
    sizes = {"model_type": "qwen2", "hidden_size": 1536, "intermediate_size": 8960, "vocab_size": 50_000}
    sizes |= {"num_attention_heads": 12}  # of 128 numbers, as the preset's model has; flash takes none of 384
    overrides = [f"model.id={folder_with(tmp_path, **sizes)}", f"train.reference_device={place}"]
    overrides += [f"optimizer.name={optimizer}"]
    config = load_config("a40x4-full-exp2", overrides).config
    assert config.num_train_ranks == 3
    shape = shape_from_config(SIZES | sizes)
    planned = {phase.name: phase.bytes for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)}
    simulated = {phase.name: phase.bytes for phase in simulate_run(config).phases}
    for name in ("reference", "forward_backward", "optimizer_step"):
        assert simulated[name] == pytest.approx(planned[name], rel=0.01), name


@pytest.mark.parametrize("completions", [6, 24])
def test_shards_of_a_step_with_few_tokens(tmp_path, completions):
    """Weights and gradients are the peak then: of four micro-batches, whose gradients add up whole, and of one."""
    sizes = {"model_type": "llama", "hidden_size": 512, "intermediate_size": 1024, "vocab_size": 30_000}
    overrides = [f"model.id={folder_with(tmp_path, **sizes)}", f"train.micro_batch_completions={completions}"]
    lengths = ["rollout.max_prompt_tokens=16", "rollout.max_completion_tokens=16", "rollout.max_model_tokens=32"]
    config = load_config("a40x4-full-exp2", [*overrides, *lengths]).config
    shape = shape_from_config(SIZES | sizes)
    planned = {phase.name: phase.bytes for phase in train_phases(shape, workload_of(config, shape), kv_bytes=0)}
    simulated = {phase.name: phase.bytes for phase in simulate_run(config).phases}
    for name in ("reference", "forward_backward"):
        assert simulated[name] == pytest.approx(planned[name], rel=0.01), name


def test_text_and_json(tmp_path):
    model = folder_with(tmp_path, model_type="llama")
    simulated = simulate_run(load_config("single-gpu-qlora", [f"model.id={model}", *SMALL]).config)
    text = simulation_text(simulated)
    assert "forward_backward" in text
    assert "Stands in, with declared bytes: NF4" in text
    found = to_json(simulated)
    assert found["peak_bytes"] == max(phase["bytes"] for phase in found["phases"])
    assert all(sum(phase["components"].values()) == phase["bytes"] for phase in found["phases"])
