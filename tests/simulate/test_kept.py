"""Simulations that are kept: run once, read after that, and never trusted when a file is not as it was written."""

import json
from dataclasses import asdict

import pytest

from leanrl.config.load import load_config
from leanrl.errors import SimulationError
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.plan import plan_run
from leanrl.simulate import kept
from leanrl.simulate.kept import _read_shape, cache_folder, simulated_model
from leanrl.simulate.run import simulate_run
from tests.planner.family_sizes import sizes

# A family of 2022 with learned positions, for which the planner has no formula.
BIOGPT = {
    "model_type": "biogpt",
    "hidden_size": 64,
    "intermediate_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "vocab_size": 512,
    "max_position_embeddings": 1024,
}
SETTINGS = [
    "model.tuning.dropout=0.0",
    "rollout.max_prompt_tokens=64",
    "rollout.max_completion_tokens=192",
    "rollout.max_model_tokens=256",
    "train.num_completions=2",
    "train.micro_batch_completions=2",
    "train.max_tokens_per_micro_batch=null",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("biogpt")
    (folder / "config.json").write_text(json.dumps(BIOGPT))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEANRL_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield cache_folder()


@pytest.fixture(scope="module")
def config(folder):
    return load_config("single-gpu-lora", [f"model.id={folder}", *SETTINGS]).config


@pytest.fixture(scope="module")
def plan(config, cache):
    return plan_run(config, measured=simulated_model(config, say=lambda _: None))


def refuse_to_simulate(config):
    raise AssertionError("a simulation ran")


def test_the_plan_has_the_bytes_of_the_simulation(plan, config):
    """Beside a colocated engine's: what the step holds by itself is what `--exact` counts, to the byte."""
    assert plan.source == "simulation"
    assert plan.to_json()["source"] == "simulation"
    simulated = {phase.name: phase for phase in simulate_run(config).phases}
    phases = {phase.name: phase for phase in plan.gpus[0].phases}
    for name in ("forward_backward", "optimizer_step"):
        engine = sum(size for part, size in phases[name].components.items() if part.startswith("engine"))
        assert phases[name].bytes - engine == simulated[name].bytes
    assert phases["rollout"].components["KV cache"] > 0


def test_the_shape_is_counted_on_the_modules(plan):
    """Tables 512 x 64 and 1026 x 64; a layer: four 64 x 64, two 64 x 256, nine vectors of 64 and one of 256; a norm."""
    layer = 4 * 64 * 64 + 2 * 64 * 256 + 9 * 64 + 256
    assert plan.shape.num_params == 512 * 64 + 1026 * 64 + 3 * layer + 2 * 64
    assert plan.shape.linears["fc2"] == (256, 64)
    assert plan.shape.linear_params == plan.shape.num_layers * (4 * 64 * 64 + 2 * 64 * 256)


def test_a_kept_simulation_is_read(plan, config, monkeypatch):
    monkeypatch.setattr(kept, "_simulate", refuse_to_simulate)
    model = simulated_model(config, say=refuse_to_simulate)
    assert plan_run(config, measured=model).to_json() == plan.to_json()
    other_rate = config.model_copy(update={"train": config.train.model_copy(update={"max_steps": 7})})
    model.measure(other_rate)


@pytest.mark.parametrize("change", ["train.tile_tokens=64", "model.tuning.rank=8", "rollout.max_completion_tokens=128"])
def test_other_settings_are_simulated_anew(plan, folder, monkeypatch, change):
    monkeypatch.setattr(kept, "_simulate", refuse_to_simulate)
    changed = load_config("single-gpu-lora", [f"model.id={folder}", *SETTINGS, change]).config
    with pytest.raises(AssertionError, match="a simulation ran"):
        simulated_model(changed, say=lambda _: None)


@pytest.mark.parametrize("package", ["leanrl", "torch", "transformers", "peft"])
def test_other_versions_are_simulated_anew(plan, config, monkeypatch, package):
    found = kept.installed_version
    monkeypatch.setattr(kept, "installed_version", lambda name: "0.0" if name == package else found(name))
    monkeypatch.setattr(kept, "_simulate", refuse_to_simulate)
    with pytest.raises(AssertionError, match="a simulation ran"):
        simulated_model(config, say=lambda _: None)


@pytest.mark.parametrize("damage", ["cut", "empty", "changed", "not an object"])
def test_a_damaged_file_is_not_trusted(plan, config, cache, monkeypatch, damage):
    """It is simulated again, and the file is whole after that."""
    (path,) = cache.glob("*.json")
    whole = path.read_text()
    changed = whole.replace('"weights": ', '"weights": 9')
    assert changed != whole
    path.write_text({"cut": whole[:-40], "empty": "", "changed": changed, "not an object": "[1]"}[damage])
    answer = json.loads(whole)["answer"]
    calls = []
    monkeypatch.setattr(kept, "_simulate", lambda asked: calls.append(asked) or answer)
    simulated_model(config, say=lambda _: None)
    assert len(calls) == 1
    assert json.loads(path.read_text()) == json.loads(whole)


def test_a_cache_that_cannot_be_written_costs_time_only(config, plan, cache, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    answer = json.loads(next(iter(cache.glob("*.json"))).read_text())["answer"]
    monkeypatch.setenv("LEANRL_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(kept, "_simulate", lambda _: answer)
    assert simulated_model(config, say=lambda _: None).shape == plan.shape


def test_a_family_that_transformers_does_not_know(tmp_path, cache):
    (tmp_path / "config.json").write_text(json.dumps(BIOGPT | {"model_type": "of_tomorrow"}))
    config = load_config("single-gpu-lora", [f"model.id={tmp_path}", *SETTINGS]).config
    with pytest.raises(SimulationError, match="no model that transformers knows"):
        simulated_model(config, say=lambda _: None)


@pytest.mark.parametrize("family", ["llama", "falcon", "qwen3_5_text"])
def test_a_shape_comes_back_from_json_as_it_was(family):
    shape = shape_from_config({"model_type": family, **sizes(family)})
    assert _read_shape(json.loads(json.dumps(asdict(shape)))) == shape
