"""Rollout faults, planted one by one in a run with real vLLM: each is caught by name before the next update.

A run of GRPO on a tiny model, in fp32; the fault is planted behind the second update. Without it the engine's and the
trainer's log-probabilities agree within 1e-5 nats at every step.
"""

import pytest

from leanrl.errors import StoppedError
from leanrl.rollout.adapter_files import WEIGHTS, publish
from leanrl.rollout.selftest import FP32_TOLERANCE
from leanrl.rollout.vllm import colocate as vllm_colocate
from leanrl.rollout.vllm.colocate import VllmColocate
from tests.tiny_model import make_tiny_model
from tests.trainer.small_trainer import small_config
from tests.vllm.plants import (
    AWAKE,
    PLANTED_AFTER,
    ignored_adapter,
    reused_name,
    stale_adapter,
    train_with,
    wrong_temperature,
)
from tests.vllm.policies import small_arguments


@pytest.fixture
def planted(tmp_path):
    """A function that trains with a fault planted and returns the trainer, and the trainers, closed afterwards."""
    trainers = []

    def train(config, plant):
        return train_with(plant, config, tmp_path / "run", trainers)

    yield train, trainers
    for trainer in trainers:
        trainer.rollout.close()


@pytest.fixture
def run(planted, tiny_model):
    """The same for an adapter on the tiny model."""
    train, trainers = planted

    def train_adapter(plant, *, max_steps=4):
        config = small_config(
            tiny_model,
            rollout=AWAKE | {"engine": "vllm-colocate", "max_prompt_tokens": 100, "temperature": 0.7},
            optimizer={"learning_rate": 5.0e-2, "schedule": "constant"},
            train={"max_steps": max_steps},
            checkpoints={"every_steps": 50},
        )
        return train(config, plant)

    return train_adapter, trainers


@pytest.fixture
def full_run(planted, tmp_path):
    """The same for all parameters: qwen2 has an untied head, llama a tied one."""
    train, trainers = planted

    def train_all(plant, *, engine, family="qwen2"):
        config = small_config(
            make_tiny_model(tmp_path / family, family=family),
            model={"tuning": {"method": "full"}},
            rollout={"engine": engine, "max_prompt_tokens": 100, "temperature": 0.7},
            optimizer={"learning_rate": 1.0e-2, "schedule": "constant"},
            train={"max_steps": 5},
            checkpoints={"every_steps": 50},
        )
        return train(config, plant)

    return train_all, trainers


def cut_short(engine, monkeypatch):
    """The folder is published, but the disk was full: half the file is there."""
    engine._handover = "files"

    def publish_half(adapter, root, name, *, dtype):
        folder = publish(adapter, root, name, dtype=dtype)
        weights = folder / WEIGHTS
        weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
        return folder

    monkeypatch.setattr(vllm_colocate, "publish", publish_half)


def lacking_tensors(engine, monkeypatch):
    """A whole file with half of the tensors: vLLM would load it without a word."""
    engine._handover = "files"

    def publish_some(adapter, root, name, *, dtype):
        kept = dict(list(adapter.tensors.items())[::2])
        return publish(type(adapter)(kept, adapter.config), root, name, dtype=dtype)

    monkeypatch.setattr(vllm_colocate, "publish", publish_some)


@pytest.mark.parametrize("plant", [stale_adapter, ignored_adapter, reused_name, wrong_temperature])
def test_a_fault_is_named_before_the_next_update(run, fault_table, plant):
    train, trainers = run
    with pytest.raises(StoppedError) as caught:
        train(plant)
    fault = plant.__name__.replace("_", " ")
    assert caught.value.exit_code == 6
    assert caught.value.fault == fault
    assert f"rollout mismatch: {fault}" in str(caught.value)
    assert caught.value.difference > 10 * FP32_TOLERANCE
    assert trainers[0].state.global_step == PLANTED_AFTER
    assert [path.name for path in trainers[0].run.complete_checkpoints()] == ["step-000002"], "the updates are lost"
    fault_table.append((fault, caught.value.fault, f"{caught.value.difference:.3g}"))


@pytest.mark.parametrize("plant", [cut_short, lacking_tensors])
def test_a_half_written_adapter_is_never_loaded(run, fault_table, plant, monkeypatch):
    train, trainers = run
    with pytest.raises(StoppedError, match="rollout mismatch: half-written adapter") as caught:
        train(lambda engine: plant(engine, monkeypatch))
    assert caught.value.exit_code == 6
    assert trainers[0].state.global_step == PLANTED_AFTER
    fault_table.append((f"half-written adapter ({plant.__name__.replace('_', ' ')})", "half-written adapter", "-"))


def test_a_wrong_base_model_is_named(run, fault_table, tmp_path):
    """The other model is the same shape with other weights, so that nothing but the numbers can tell."""
    train, trainers = run
    other = make_tiny_model(tmp_path / "other", seed=1)

    def swap_base(engine):
        engine.close()
        trainers[0].rollout.engine = VllmColocate(small_arguments(other))

    with pytest.raises(StoppedError) as caught:
        train(swap_base)
    assert caught.value.fault == "wrong base model"
    assert trainers[0].state.global_step == PLANTED_AFTER
    fault_table.append(("wrong base model", caught.value.fault, f"{caught.value.difference:.3g}"))


@pytest.mark.parametrize("family", ["qwen2", "llama"])
@pytest.mark.parametrize("engine", ["vllm-colocate", "vllm-server"])
def test_full_parameters_agree_after_each_of_five_steps(full_run, fault_table, engine, family):
    train, _ = full_run
    trainer = train(lambda engine: None, engine=engine, family=family)
    logged = [entry for entry in trainer.state.log_history if "sampling_logprob_difference" in entry]
    values = [entry["sampling_logprob_difference"] for entry in logged]
    assert len(values) == 5
    assert max(values) < 1e-5
    assert all(entry["grad_norm"] > 0 for entry in logged)
    fault_table.append((f"none, 5 steps, full, {engine}, {family}", "nothing", f"{max(values):.3g}"))


def test_a_skipped_push_of_full_parameters_is_named(full_run, fault_table):
    train, trainers = full_run
    with pytest.raises(StoppedError) as caught:
        train(stale_adapter, engine="vllm-colocate")
    assert caught.value.fault == "stale weights"
    assert trainers[0].state.global_step == PLANTED_AFTER
    fault_table.append(("a push left out, full", caught.value.fault, f"{caught.value.difference:.3g}"))


def test_a_tied_head_that_is_not_packed_anew_is_named(full_run, fault_table):
    """vLLM itself says nothing; should its packing change, the self-test speaks."""

    def forget_the_head(engine):
        engine._after_reload = ()

    train, trainers = full_run
    with pytest.raises(StoppedError) as caught:
        train(forget_the_head, engine="vllm-colocate", family="llama")
    assert caught.value.fault == "stale weights"
    assert trainers[0].state.global_step == PLANTED_AFTER
    fault_table.append(("a tied head left old, full", caught.value.fault, f"{caught.value.difference:.3g}"))
