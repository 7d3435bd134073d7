"""QLoRA through real vLLM: the adapter is trained on NF4 and served on the 16-bit base, or on NF4 by a plug-in."""

from importlib.util import find_spec

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanrl.errors import ConfigError, StoppedError
from leanrl.rollout.selftest import BF16_TOLERANCE
from leanrl.rollout.vllm.colocate import VllmColocate
from tests.tiny_model import make_tiny_model
from tests.trainer.small_trainer import small_config
from tests.vllm.plants import AWAKE, PLANTED_AFTER, ignored_adapter, reused_name, stale_adapter, train_with
from tests.vllm.policies import small_arguments

NEEDS_PLUGIN = pytest.mark.skipif(find_spec("vllm_bnb_plugin") is None, reason="vllm-bnb-plugin is not installed here")
TUNING = {"method": "qlora", "rank": 4, "alpha": 8.0}


def qlora_config(folder, **rollout):
    return small_config(
        folder,
        model={"dtype": "bfloat16", "compute_dtype": "bfloat16", "tuning": TUNING},
        rollout=AWAKE | {"engine": "vllm-colocate", "max_prompt_tokens": 100, "max_completion_tokens": 24} | rollout,
        optimizer={"learning_rate": 5.0e-2, "schedule": "constant"},
        train={"max_steps": 4, "num_prompts": 4, "num_completions": 4},
        checkpoints={"every_steps": 50},
    )


@pytest.fixture
def run(tiny_model, tmp_path):
    """A function that trains with a fault planted and returns the trainer; its engine is closed afterwards."""
    trainers = []

    def train(plant, *, model=tiny_model, **rollout):
        return train_with(plant, qlora_config(model, **rollout), tmp_path / "run", trainers)

    yield train, trainers
    for trainer in trainers:
        trainer.rollout.close()


def differences(trainer):
    logged = [entry for entry in trainer.state.log_history if "sampling_logprob_difference" in entry]
    assert len(logged) == 4
    assert all(entry["grad_norm"] > 0 for entry in logged)
    return [entry["sampling_logprob_difference"] for entry in logged]


def weight_dtypes(trainer):
    """Return the dtypes of the weights that vLLM holds."""
    engine = trainer.rollout.engine._llm.llm_engine
    model = engine.model_executor.driver_worker.worker.model_runner.model
    return {weight.dtype for weight in model.parameters() if weight.numel()}


@pytest.mark.parametrize(
    ("engine", "temperature"), [("vllm-colocate", 1.0), ("vllm-colocate", 0.7), ("vllm-server", 1.0)]
)
def test_four_steps_on_the_original_base(run, engine, temperature):
    """Rounding to NF4 shows in the first step's log-probabilities, and no healthy step is taken for a broken one."""
    train, _ = run
    trainer = train(lambda engine: None, engine=engine, temperature=temperature)
    assert differences(trainer)[0] > BF16_TOLERANCE
    if engine == "vllm-colocate":
        assert weight_dtypes(trainer) == {torch.bfloat16}


@NEEDS_PLUGIN
def test_four_steps_on_nf4(run):
    """Both sides compute with the same rounded weights, so bf16's arithmetic is all that differs."""
    train, _ = run
    trainer = train(lambda engine: None, base="nf4")
    assert max(differences(trainer)) < BF16_TOLERANCE
    assert torch.uint8 in weight_dtypes(trainer)


@pytest.mark.parametrize("plant", [stale_adapter, ignored_adapter, reused_name])
def test_a_fault_is_named_though_the_bases_differ(run, fault_table, plant):
    train, trainers = run
    with pytest.raises(StoppedError) as caught:
        train(plant)
    fault = plant.__name__.replace("_", " ")
    assert caught.value.exit_code == 6
    assert caught.value.fault == fault
    assert trainers[0].state.global_step == PLANTED_AFTER
    fault_table.append((f"{fault}, QLoRA on 16 bit", caught.value.fault, f"{caught.value.difference:.3g}"))


def sharper_model(folder):
    """Another model, and three times as sure of its words: the tiny ones are about the tolerance of 1 nat apart."""
    model = AutoModelForCausalLM.from_pretrained(make_tiny_model(folder, seed=1))
    with torch.no_grad():
        model.model.norm.weight *= 3
    model.save_pretrained(folder)
    return folder


def test_a_wrong_base_model_is_named_though_the_bases_differ(run, fault_table, tmp_path):
    train, trainers = run
    other = sharper_model(tmp_path / "other")

    def swap_base(engine):
        engine.close()
        sections = qlora_config(other).model_dump(include={"model", "rollout"})
        trainers[0].rollout.engine = VllmColocate(small_arguments(other, **sections))

    with pytest.raises(StoppedError) as caught:
        train(swap_base)
    assert caught.value.fault == "wrong base model"
    fault_table.append(("wrong base model, QLoRA on 16 bit", caught.value.fault, f"{caught.value.difference:.3g}"))


def test_a_checkpoint_that_is_nf4_itself_has_no_original(run, nf4_model):
    train, _ = run
    with pytest.raises(ConfigError, match="is NF4 itself: there are no 16-bit weights to serve") as caught:
        train(lambda engine: None, model=nf4_model)
    assert "-s rollout.base=nf4" in caught.value.hint


@NEEDS_PLUGIN
def test_a_checkpoint_that_is_nf4_itself_is_served_as_it_is(run, nf4_model):
    train, _ = run
    trainer = train(lambda engine: None, model=nf4_model, base="nf4")
    assert max(differences(trainer)) < BF16_TOLERANCE
