"""What `backend: unsloth` refuses, and why; none of it needs unsloth."""

import re

import pytest

from leanrl.config.checks.check import find_warnings
from leanrl.config.checks.support import find_missing
from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.machine.diagnosis import constraint_set

PRESET = "single-gpu-lora-unsloth"
BACKENDS = ("backend=hf", "backend=unsloth")

# overrides of the preset, the keys that are named, a part of the reason
REFUSED = [
    (["hardware.device=cpu", "hardware.num_gpus=0"], "backend, hardware.num_gpus", "needs a GPU"),
    (["hardware.num_gpus=2"], "backend, hardware.num_gpus", "does not support several cards yet"),
    (["model.tuning.method=full"], "backend, model.tuning.method", "together with fast rollouts"),
    (["model.tuning.adapter_dtype=bfloat16"], "backend, model.tuning.adapter_dtype", "adapters in float32"),
    (["model.dtype=float32"], "backend, model.dtype, model.compute_dtype", "turns bfloat16 on"),
    (["algorithm.loss=gspo"], "backend, algorithm.loss", "would never be called"),
    (["algorithm.loss=cispo"], "backend, algorithm.loss", "only clip was compared with TRL's"),
    (["algorithm.kl_estimator=k1"], "backend, algorithm.kl_estimator", "its KL is k3"),
    (["algorithm.entropy_coef=0.01"], "backend, algorithm.entropy_coef", "nor its entropy bonus"),
    (["algorithm.aggregation=prompt_token_mean"], "backend, algorithm.aggregation", "shuffles a step's completions"),
    (
        ["algorithm.correction.name=sequence_mask"],
        "backend, algorithm.correction.name",
        "by token_truncate alone, and sequence_mask is asked for",
    ),
    (["train.max_tokens_per_micro_batch=9000"], "backend, train.max_tokens_per_micro_batch", "counts completions"),
    (
        ["train.gradient_checkpointing=auto"],
        "backend, train.gradient_checkpointing, train.kept_layers",
        "recomputes every layer or none",
    ),
    (
        ["train.kept_layers=2"],
        "backend, train.gradient_checkpointing, train.kept_layers",
        "recomputes every layer or none",
    ),
    (["train.micro_batch_completions=5"], "backend, train.micro_batch_completions", "5 does not divide 48"),
    (["watchdog.level=act"], "backend, watchdog.level", "does not go back to a checkpoint"),
]


def problems_of(overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(PRESET, overrides)
    assert caught.value.exit_code == 2
    return caught.value.problems


@pytest.mark.parametrize(("overrides", "where", "what"), REFUSED)
def test_what_unsloth_ignores_or_refuses_is_refused_with_the_reason(overrides, where, what):
    (problem,) = [one for one in problems_of(overrides) if one.where.startswith("backend")]
    assert problem.where == where
    assert what in problem.what


@pytest.mark.parametrize(("overrides", "where", "what"), REFUSED)
def test_the_first_way_out_is_one(overrides, where, what):
    (problem,) = [one for one in problems_of(overrides) if one.where.startswith("backend")]
    flags = re.findall(r"-s ([\w.]+=\w+)", problem.hint.split(", or ")[0])
    assert flags
    load_config(PRESET, [*overrides, *flags])


@pytest.mark.parametrize("overrides", [overrides for overrides, _, _ in REFUSED])
def test_what_unsloth_refuses_the_hf_backend_takes(overrides):
    load_config(PRESET, [*overrides, "backend=hf"])


def test_a_start_adapter_is_refused(tmp_path):
    (tmp_path / "adapter_config.json").write_text(
        '{"peft_type": "LORA", "r": 32, "lora_alpha": 128, "use_rslora": false, "target_modules": "all-linear"}'
    )
    reasons = {problem.where: problem.what for problem in problems_of([f"model.tuning.start_adapter={tmp_path}"])}
    assert "against the base" in reasons["backend, model.tuning.start_adapter"]


def test_settings_without_effect_are_told_of():
    overrides = ["model.attention=eager", "train.probe=always"]
    warnings = find_warnings(load_config(PRESET, overrides).config)
    assert [warning.split(" has no effect")[0] for warning in warnings] == ["model.attention", "train.probe"]


def test_the_context_that_its_loader_is_given_has_an_effect():
    told = {backend: find_warnings(load_config(PRESET, ["rollout.engine=hf", backend]).config) for backend in BACKENDS}
    (of_hf,), of_unsloth = (told[backend] for backend in BACKENDS)
    assert of_hf.startswith("rollout.max_model_tokens has no effect")
    assert of_unsloth == []


def missing_from(monkeypatch, versions, *overrides):
    monkeypatch.setattr("leanrl.config.checks.support.installed_version", versions.get)
    config = load_config(PRESET, ["rollout.engine=hf", *overrides]).config
    return [problem for problem in find_missing(config) if problem.where.startswith("backend")]


RIGHT = {"unsloth": "2026.10.7", "unsloth-zoo": "2026.10.7", "trl": "1.14.2"}


def test_the_versions_that_it_works_with_are_taken(monkeypatch):
    assert missing_from(monkeypatch, RIGHT) == []


def test_other_versions_are_named_with_those_it_works_with(monkeypatch):
    (problem,) = missing_from(monkeypatch, RIGHT | {"trl": "1.16.0", "unsloth": None})
    assert problem.what == "unsloth is not installed, not 2026.10.7; trl is 1.16.0, not 1.14.2"
    assert "leanrl doctor --constraints unsloth" in problem.hint


@pytest.mark.parametrize(
    "engine",
    [
        ["rollout.engine=vllm-colocate"],
        ["rollout.engine=vllm-server", "hardware.num_gpus=2", "rollout.num_gpus=1"],
        ["rollout.engine=vllm-server", "rollout.server_url=http://127.0.0.1:8000"],
    ],
)
def test_vllm_is_connected(monkeypatch, engine):
    assert missing_from(monkeypatch, RIGHT, *engine) == []


def test_the_printed_set_holds_those_versions():
    assert {f"{package}=={version}" for package, version in RIGHT.items()} <= set(
        constraint_set("unsloth").splitlines()
    )
