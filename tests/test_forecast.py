"""The plan before a run: what has no formula is no obstacle, what makes no sense is one."""

import json

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.forecast import make_plan, plan_that_fits
from leanrl.machine.environment import host_memory_bytes
from leanrl.planner.machine.this_machine import Gpu
from leanrl.types import Listener
from tests.planner.sample_runs import single_card

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 64,
}


@pytest.mark.parametrize(
    ("device", "here", "is_compared"),
    [
        ("hardware.gpu=a40", ["NVIDIA A40"], True),
        ("hardware.gpu=A40", ["NVIDIA A40"], True),
        ("hardware.gpu=4090", ["NVIDIA GeForce RTX 4090"], True),
        ("hardware.gpu=4070", ["NVIDIA GeForce RTX 4070 Ti SUPER"], False),
        ("hardware.gpu=a40", ["NVIDIA GeForce RTX 4090"], False),
        ("hardware.gpu=a40", [], False),
        ("hardware.device=cpu", [], True),
    ],
)
def test_memory_of_this_machine_counts_where_the_plan_is_for_it(monkeypatch, device, here, is_compared):
    """The driver's files are the only part that this machine may not have."""
    monkeypatch.setattr("leanrl.forecast.gpu_names", lambda: here)
    num_gpus = f"hardware.num_gpus={int(device != 'hardware.device=cpu')}"
    plan = make_plan(load_config("plain", ["model.id=Qwen/Qwen3-0.6B", num_gpus, device]).config)
    on_host = plan.gpus[0].usable_bytes / 0.8 if plan.device == "cpu" else plan.host.total_bytes
    assert (on_host == pytest.approx(host_memory_bytes())) if is_compared else on_host is None


class Heard(Listener):
    def __init__(self):
        self.said, self.warned = [], []

    def say(self, text):
        self.said.append(text)

    def warn(self, text):
        self.warned.append(text)

    def step(self, metrics, *, max_steps):
        raise AssertionError("no step runs here")


def config_of(folder, **values):
    (folder / "config.json").write_text(json.dumps(values))
    return load_config("cpu-demo", [f"model.id={folder}", "model.wheel=null"]).config


@pytest.mark.parametrize(
    "values",
    [SIZES | {"model_type": "of_tomorrow"}, SIZES, SIZES | {"model_type": "of_tomorrow", "num_experts": 8}],
    ids=["unknown family", "no family", "experts"],
)
def test_a_model_without_any_plan_is_a_warning(tmp_path, values):
    config, heard = config_of(tmp_path, **values), Heard()
    assert plan_that_fits(config, force=False, listener=heard) is None
    assert len(heard.warned) == 1
    assert heard.warned[0].startswith("no plan is made: ")


@pytest.mark.parametrize(("gib", "warnings"), [(24, 0), (9, 1)])
def test_a_tight_plan_is_a_warning_before_the_model_is_loaded(monkeypatch, gib, warnings):
    """The card is the only part that this machine may not have."""
    heard = Heard()
    monkeypatch.setattr("leanrl.forecast._gpu_here", lambda _: Gpu("NVIDIA something", gib * 2**30))
    assert plan_that_fits(single_card("lora"), force=False, listener=heard) is not None
    assert sum(warning.startswith("memory is tight: ") for warning in heard.warned) == warnings


def test_sizes_that_make_no_sense_are_an_error(tmp_path):
    config = config_of(tmp_path, **SIZES | {"model_type": "llama", "hidden_size": -1})
    with pytest.raises(ConfigError, match="hidden_size is -1"):
        plan_that_fits(config, force=True, listener=Heard())
