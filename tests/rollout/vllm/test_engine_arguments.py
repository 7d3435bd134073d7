"""The arguments of an engine: what the run says and the plan counts, nothing left to vLLM's defaults."""

from importlib import import_module
from types import SimpleNamespace

import pytest

from leanrl.config.load import load_config
from leanrl.planner.automatic import with_chosen
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.plan import plan_run
from leanrl.rollout.vllm.engine_arguments import engine_arguments, server_flags
from leanrl.trainer.rollouts.engines import _planned
from tests.trainer.small_trainer import small_config

SHAPE = ModelShape(
    family="qwen2", num_layers=28, hidden=1536, intermediate=8960, num_heads=12, num_kv_heads=2, head_dim=128,
    vocab=151936, tied=False,
)  # fmt: skip


def arguments(*, rank=None, usable_bytes=None, seed=7, **rollout):
    config = small_config(
        "m",
        rollout={"engine": "vllm-colocate", "max_prompt_tokens": 512, "max_completion_tokens": 1024} | rollout,
        model={"tuning": {"method": "lora" if rank else "full", "rank": rank or 1}},
    )
    return engine_arguments(config, model="m", shape=SHAPE, adapter_rank=rank, usable_bytes=usable_bytes, seed=seed)


def test_what_the_run_says_is_what_the_engine_is_told():
    """Two prompts with four completions: eight sequences of 512 + 1024 tokens."""
    told = arguments()
    assert told["dtype"] == "float32"
    assert told["max_model_len"] == 1536
    assert told["max_num_seqs"] == 8
    assert told["max_num_batched_tokens"] == 8192
    assert told["seed"] == 7
    assert told["logprobs_mode"] == "processed_logprobs"
    assert told["generation_config"] == "vllm"
    assert told["trust_remote_code"] is False
    assert "enable_lora" not in told


@pytest.mark.parametrize("cut", [{"top_p": 0.9}, {"top_k": 5}, {"min_p": 0.1}, {"repetition_penalty": 1.1}])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_a_cut_distribution_is_reported_whole(cut, temperature):
    """Raw log-probabilities ignore temperature, so the worker has to scale the logits where there is one."""
    told = arguments(rank=4, temperature=temperature, **cut)
    assert told["logprobs_mode"] == "raw_logprobs"
    extension = told.get("worker_extension_cls")
    assert (extension is None) == (temperature == 1.0)
    if extension is not None:
        module, _, name = extension.rpartition(".")
        assert hasattr(getattr(import_module(module), name), "scale_logits")


def test_an_adapters_rank_is_rounded_up_and_one_adapter_is_served():
    told = arguments(rank=33)
    assert {name: told[name] for name in told if "lora" in name} == {
        "enable_lora": True,
        "max_lora_rank": 64,
        "max_loras": 1,
        "max_cpu_loras": 2,
    }


def test_on_a_cpu_all_completions_of_a_step_have_room():
    """A token of KV cache is 28 layers x 2 heads x 128 x 2 x 4 bytes = 57,344; 8 sequences of 48 blocks of 32
    and 2 spare blocks are 386 blocks."""
    assert arguments()["kv_cache_memory_bytes"] == 386 * 32 * 57_344
    assert arguments()["enforce_eager"] is True


@pytest.mark.parametrize(("base", "quantisation"), [("original", {}), ("nf4", {"quantization": "bitsandbytes"})])
def test_an_adapter_on_nf4_is_served_on_the_base_that_is_asked_for(base, quantisation):
    dtypes = {"dtype": "bfloat16", "compute_dtype": "bfloat16"}
    model = dtypes | {"tuning": {"method": "qlora", "rank": 4}}
    config = small_config("m", rollout={"engine": "vllm-colocate", "base": base}, model=model)
    told = engine_arguments(config, model="m", shape=SHAPE, adapter_rank=4, usable_bytes=None, seed=7)
    assert {name: told[name] for name in told if name == "quantization"} == quantisation
    assert told["dtype"] == "bfloat16"


def test_on_a_card_the_plan_says_how_many_bytes_there_are():
    """float32, as the run computes: 57,344 bytes a token, 8 sequences of 1536, which a card of 40 GiB has room for."""
    told = arguments(usable_bytes=40 * 2**30)
    assert told["kv_cache_memory_bytes"] == 8 * 1536 * 57_344
    assert told["enforce_eager"] is False
    assert told["block_size"] == 16


def test_only_on_a_card_is_a_share_given():
    assert arguments(usable_bytes=20 * 2**30)["gpu_memory_utilization"] < 0.05
    assert "gpu_memory_utilization" not in arguments()


def test_flags_of_a_server_say_the_same():
    told = {"model": "m", "max_num_seqs": 8, "enable_lora": True, "trust_remote_code": False, "revision": None}
    assert server_flags(told) == ["--model", "m", "--max-num-seqs", "8", "--enable-lora"]


@pytest.mark.parametrize(
    "preset", ["single-gpu-lora", "single-gpu-full", "a40x4-full-exp2", "a40x4-full-exp2-colocate"]
)
@pytest.mark.parametrize("vram_gib", [24, 46])
def test_on_a_card_it_is_what_plan_json_says(preset, vram_gib):
    """The same bytes by the same functions, and the run's plan on top: `trainer.rollouts.engines._planned`."""
    config = load_config(preset).config
    plan = plan_run(config, vram_bytes=vram_gib * 2**30)
    chosen = with_chosen(config, plan)
    told = engine_arguments(
        chosen, model="m", shape=plan.shape, adapter_rank=None, usable_bytes=vram_gib * 2**30, seed=7
    )
    generates = [gpu for gpu in plan.to_json()["gpus"] if gpu["role"] != "train"]
    rollout = next(phase for phase in generates[0]["phases"] if phase["name"] == "rollout")
    assert told["kv_cache_memory_bytes"] == rollout["components"]["KV cache"]
    assert {name: told[name] for name in plan.engine_settings} == plan.engine_settings


def test_a_run_takes_its_plans_settings_and_on_a_cpu_its_own():
    config = load_config("single-gpu-lora").config
    plan = plan_run(config, vram_bytes=14 * 2**30)
    assert _planned(SimpleNamespace(plan=plan)) == plan.engine_settings
    assert plan.engine_settings["kv_cache_memory_bytes"] == plan.kv_cache_bytes > 0
    assert _planned(SimpleNamespace(plan=None)) == {}
    on_cpu = load_config("single-gpu-lora", ["hardware.num_gpus=0", "hardware.device=cpu"]).config
    assert _planned(SimpleNamespace(plan=plan_run(on_cpu, host_bytes=2**36))) == {}
