"""The whole plan: contract, roles, verdicts, the CPU."""

import json
from dataclasses import replace

import pytest

from leanrl.config.files.shipped import preset_names
from leanrl.config.load import load_config
from leanrl.errors import ConfigError, MissingError
from leanrl.planner.machine.cards import CARDS
from leanrl.planner.plan import plan_run
from leanrl.planner.search.fixes import with_changes
from tests.planner.sample_runs import GIB, cpu_run, four_card_server, run, single_card


def test_json_has_the_contract_keys():
    value = json.loads(json.dumps(plan_run(four_card_server()).to_json()))
    assert list(value) == [
        *("preset", "device", "card", "source", "verdict", "gpus", "host", "micro_batch_tokens"),
        *("kept_layers", "chosen", "time", "cost_usd"),
        *("fixes", "fixes_change_run", "measured"),
    ]
    assert value["source"] == "closed_form"
    assert list(value["time"]) == [
        *("step_seconds", "total_hours", "parts", "completion_tokens", "step_seconds_by_mean")
    ]
    gpu = value["gpus"][0]
    assert list(gpu) == ["index", "role", "usable_bytes", "peak_bytes", "upper_bytes", "peak_phase", "phases"]
    for phase in gpu["phases"]:
        assert list(phase) == ["name", "bytes", "components"]
        assert phase["bytes"] == sum(phase["components"].values())
    assert gpu["peak_bytes"] == max(phase["bytes"] for phase in gpu["phases"]) < gpu["upper_bytes"]


def test_vllm_on_a_cpu_captures_no_cuda_graphs():
    changed = with_changes(cpu_run(), {"rollout.engine": "vllm-colocate"})
    (host,) = plan_run(changed, host_bytes=24 * GIB).gpus
    assert all("engine CUDA graphs" not in phase.components for phase in host.phases)


def test_roles_of_a_server_topology():
    plan = plan_run(four_card_server())
    assert [(gpu.index, gpu.role) for gpu in plan.gpus] == [(0, "train"), (1, "train"), (2, "train"), (3, "rollout")]
    assert plan.verdict == "fits"
    assert "rollout" not in [phase.name for phase in plan.gpus[0].phases]


def test_paper_run_state_on_a_training_card():
    """In thirds: fp32 masters and reference, 1,777,088,000 x 4 / 3, and two fp32 moments, x 8 / 3; bf16 is gathered."""
    plan = plan_run(four_card_server())
    phases = {phase.name: phase.components for phase in plan.gpus[0].phases}
    assert phases["reference"]["weights"] == 1_777_088_000 * 4 // 3
    assert phases["reference"]["optimizer state"] == 1_777_088_000 * 8 // 3
    assert phases["reference"]["reference"] == 1_777_088_000 * 4 // 3
    # A frozen model's gathered layers go as it scores: all but 26 of 28 layers of 46,797,824 parameters.
    assert phases["reference"]["visiting reference"] == (1_777_088_000 - 26 * 46_797_824) * 2
    assert phases["forward_backward"]["gathered weights"] == 1_777_088_000 * 2


@pytest.mark.parametrize(
    ("gib", "verdict"),
    [(24, "fits"), (9, "tight"), (4, "does_not_fit")],
)
def test_verdict(gib, verdict):
    """A 1.5B LoRA run takes about 8 GiB and 10 as an upper estimate; the KV cache shrinks with the card."""
    assert plan_run(single_card("lora"), vram_bytes=gib * GIB).verdict == verdict


def test_adapter_needs_no_reference_copy():
    plan = plan_run(single_card("lora"))
    phases = {phase.name: phase.components for phase in plan.gpus[0].phases}
    assert "reference" not in phases["reference"]
    assert plan.workload.reference == "adapter_off"


def test_no_kl_needs_no_reference_phase():
    plan = plan_run(single_card("full", algorithm={"kl_beta": 0.0}))
    assert "reference" not in [phase.name for phase in plan.gpus[0].phases]


def test_kv_cache_takes_what_is_left():
    """18 GiB hold the wanted 72 x 4096 x 28 KiB = 7.875 GiB; 14 GiB do not, and the plan still fits."""
    roomy, narrow = (plan_run(single_card("lora"), vram_bytes=gib * GIB) for gib in (18, 14))
    assert roomy.kv_cache_bytes == 72 * 4096 * 28_672
    assert 4096 * 28_672 < narrow.kv_cache_bytes < roomy.kv_cache_bytes
    assert narrow.verdict == roomy.verdict == "fits"


def test_cpu_plan():
    plan = plan_run(cpu_run(), host_bytes=10 * GIB)
    assert (plan.device, len(plan.gpus), plan.gpus[0].role) == ("cpu", 1, "both")
    assert plan.gpus[0].usable_bytes == 8 * GIB
    assert plan.verdict == "fits"
    assert plan.cost_usd is None


def test_cpu_plan_needs_the_memory_of_the_host():
    with pytest.raises(ValueError, match="host_bytes"):
        plan_run(cpu_run())


def test_given_card_wins_over_the_config():
    assert plan_run(single_card("lora"), card=CARDS["a40"]).gpus[0].usable_bytes == CARDS["a40"].usable_bytes


def test_no_card_is_said():
    with pytest.raises(MissingError, match="names no card"):
        plan_run(run(model={"id": "Qwen/Qwen3-0.6B"}))


def test_unknown_card_gets_the_nearest_name():
    with pytest.raises(ConfigError, match="Did you mean 'rtx4090'"):
        plan_run(single_card("lora", gpu="rtx4900"))


@pytest.mark.parametrize("name", ["t4", "v100-32"])
def test_card_without_bf16_is_refused(name):
    with pytest.raises(ConfigError, match="has no bf16"):
        plan_run(single_card("lora", gpu=name))
    with pytest.raises(ConfigError, match="has no bf16"):
        plan_run(single_card("lora"), card=CARDS[name])


def test_unknown_target():
    config = single_card("lora")
    tuning = config.model.tuning.model_copy(update={"targets": ["q_proj", "query"]})
    config = config.model_copy(update={"model": config.model.model_copy(update={"tuning": tuning})})
    with pytest.raises(ConfigError, match="'query' is no linear layer"):
        plan_run(config)


def test_fixes_make_it_fit():
    """Full parameters on 24 GB with fp32 masters cannot fit; every flag printed must."""
    config = single_card("full", model={"id": "Qwen/Qwen2.5-1.5B", "dtype": "float32", "tuning": {"method": "full"}})
    plan = plan_run(config)
    assert plan.verdict == "does_not_fit"
    assert plan.fixes
    assert all(fix.startswith("-s ") for fix in plan.fixes)


def test_plan_that_fits_has_no_fixes():
    assert plan_run(single_card("lora")).fixes == ()


def test_worst_card_decides():
    plan = plan_run(four_card_server())
    gpus = (*plan.gpus[:3], replace(plan.gpus[3], usable_bytes=GIB))
    assert replace(plan, gpus=gpus).verdict == "does_not_fit"


@pytest.mark.parametrize("gib", [0, -24, 0.55])
def test_card_without_memory(gib):
    with pytest.raises(ConfigError, match="holds no model"):
        plan_run(single_card("lora"), vram_bytes=int(gib * GIB))


@pytest.mark.parametrize("name", preset_names())
def test_preset_fits_the_hardware_it_was_made_for(name):
    """A CPU preset has 8 GiB here, a small laptop; a machine has 32 GiB of host memory for each card."""
    config = load_config(name).config
    plan = plan_run(config, host_bytes=(32 * config.hardware.num_gpus or 8) * GIB)
    assert plan.verdict == "fits"
    assert plan.preset == name
