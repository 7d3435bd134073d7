"""One part of rollout.py, in a process of its own: an engine, what it generates, and what it takes and gives back.

    python benchmarks/rollout/rollout_part.py '{"part": "vllm", "device": "cpu", "tiny": false, "vram_gib": null}'

Prints one JSON object as its last line.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.models.shapes import ModelShape

GIB = 2**30
LARGE_MODEL = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"
TINY = ModelShape("qwen2", 2, 64, 128, 2, 1, 32, 256, tied=False, qkv_bias=True)
NUM_SYNCS = NUM_CYCLES = 10
# Processes: an engine for adapters has no place for whole weights, and one engine sleeps in one way.
PARTS = ("hf", "vllm", "full", "sleep-1", "shared", "profile")
# A profile of a whole step would take gigabytes.
_PROFILED_TOKENS = 8
# (preset, tokens of a prompt, tokens of a completion, prompts, completions of each)
_CPU_WORK, _TINY_WORK = ("cpu-demo", 64, 32, 4, 8), ("cpu-demo", 8, 8, 1, 2)
_CARD_WORK = ("single-gpu-lora", 128, 512, 8, 8)


def main() -> None:
    asked = json.loads(sys.argv[1])
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    print(json.dumps(measure(asked["part"], asked["device"], tiny=asked["tiny"], vram_gib=asked["vram_gib"])))


def measure(part: str, device_name: str, *, tiny: bool, vram_gib: float | None) -> dict[str, Any]:
    """Return what a part found."""
    import torch

    device = torch.device(device_name)
    if vram_gib is not None and device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, vram_gib * GIB / total), device)
    with tempfile.TemporaryDirectory() as scratch:
        config = run_config(part, device_name, tiny=tiny)
        folder = model_folder(config, device, Path(scratch), tiny=tiny)
        model = load_model(config, folder, device)
        if part == "hf":
            return {"generation": measure_generation(hf_engine(model), config)}
        return measure_vllm(part, config, folder, model, vram_gib=vram_gib)


def measure_vllm(part: str, config: RunConfig, folder: str, model: Any, *, vram_gib: float | None) -> dict[str, Any]:
    """Return what vLLM does beside a trainer's model, as in a run."""
    engine = start_vllm(config, folder, model, vram_gib=vram_gib)
    try:
        found: dict[str, Any] = {"sync": time_syncs(engine, config, model)}
        if part == "profile":
            return found | {"operators": profile_generation(engine, config, model.device)}
        if part == "vllm":
            found["generation"] = measure_generation(engine, config)
        if part != "full":
            found["sleep"] = sleep_cycles(engine, config, model)
        return found
    finally:
        engine.close()


def run_config(part: str, device: str, *, tiny: bool) -> RunConfig:
    """Return the run whose rollouts are measured: rank 32 on all linear layers, as in the presets."""
    work = _CPU_WORK if device == "cpu" else _CARD_WORK
    preset, prompt, completion, num_prompts, group = _TINY_WORK if tiny else work
    changes = {
        "rollout.engine": "vllm-colocate",
        "rollout.max_prompt_tokens": prompt,
        "rollout.max_completion_tokens": completion,
        "rollout.max_model_tokens": prompt + completion,
        "rollout.sleep_level": 1 if part == "sleep-1" else "kv",
        "rollout.share_base": str(part == "shared").lower(),
        "train.num_prompts": num_prompts,
        "train.num_completions": group,
        "train.micro_batch_completions": group,
        "train.max_tokens_per_micro_batch": "null",
        "model.tuning.method": "full" if part == "full" else "lora",
        "model.tuning.rank": 32,
    }
    return load_config(preset, [f"{key}={value}" for key, value in changes.items()]).config


def model_folder(config: RunConfig, device: Any, scratch: Path, *, tiny: bool) -> str:
    """Return the folder of the demo's model on a CPU, of random weights at the 1.5B shape on a card."""
    import torch
    from transformers import AutoModelForCausalLM

    from leanrl.models.locate import locate_model
    from leanrl.simulate.fake_model import transformers_config

    if device.type == "cpu" and not tiny:
        return locate_model(config.model).path_or_id
    with device:
        shape = transformers_config(TINY if tiny else find_shape(LARGE_MODEL))
        model = AutoModelForCausalLM.from_config(shape, dtype=torch.bfloat16)
    model.save_pretrained(scratch)
    return str(scratch)


def load_model(config: RunConfig, folder: str, device: Any) -> Any:
    """Return the trainer's side: the model as a run loads it, with its adapter."""
    import torch
    from peft import get_peft_model

    from leanrl.models.adapters.adapter import lora_config, set_adapter_dtype
    from leanrl.models.load import load_policy
    from leanrl.models.locate import LocatedModel

    model = load_policy(config.model, LocatedModel(folder, None, "folder"), device="cpu").to(device)
    if config.model.tuning.method == "full":
        return model
    model = get_peft_model(model, lora_config(config.model.tuning))
    set_adapter_dtype(model, getattr(torch, config.model.tuning.adapter_dtype), weights={})
    return model


def hf_engine(model: Any) -> Any:
    from leanrl.rollout.hf_engine import HfEngine

    return HfEngine(lambda: model, pad_id=0, without_adapter=model.disable_adapter)


def start_vllm(config: RunConfig, folder: str, model: Any, *, vram_gib: float | None) -> Any:
    """Return the engine with the arguments of a run; random weights have no tokenizer, and none is needed."""
    import torch

    from leanrl.planner.models.shapes import shape_from_config
    from leanrl.rollout.vllm.colocate import VllmColocate
    from leanrl.rollout.vllm.engine_arguments import engine_arguments
    from leanrl.trainer.rollouts.one_base import start_with_one_base

    device = model.device
    total = torch.cuda.mem_get_info(device)[1] if device.type == "cuda" else None
    usable = min(total, int(vram_gib * GIB)) if total is not None and vram_gib is not None else total
    tuning = config.model.tuning
    arguments = engine_arguments(
        config,
        model=folder,
        shape=shape_from_config(model.config.to_dict()),
        adapter_rank=None if tuning.method == "full" else tuning.rank,
        usable_bytes=usable,
        seed=config.train.seed,
    )
    start = partial(VllmColocate, arguments | {"skip_tokenizer_init": True}, sleep_level=config.rollout.sleep_level)
    if config.rollout.share_base is False:
        return start()
    return start_with_one_base(start, model, device=device, share_base=True)


def measure_generation(engine: Any, config: RunConfig) -> dict[str, Any]:
    """Return what drawing takes with the adapter, as in a run, and on the base alone."""
    return {
        "adapter": throughput(engine.generate, config),
        "base": throughput(engine.generate_without_adapter, config),
    }


def throughput(draw: Callable[..., Any], config: RunConfig) -> dict[str, Any]:
    """Return tokens a second over all completions of a step; the first, short call warms up."""
    draw(requests(config, 1), sampling(config, max_tokens=8))
    asked = requests(config, config.train.num_completions)
    wall, cpu = time.perf_counter(), time.process_time()
    groups = draw(asked, sampling(config, max_tokens=config.rollout.max_completion_tokens))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    num_tokens = sum(len(completion.token_ids) for group in groups for completion in group)
    return {
        "completions": sum(len(group) for group in groups),
        "tokens": num_tokens,
        "seconds": round(wall, 2),
        "tokens_per_second": round(num_tokens / wall, 1),
        "tokens_per_cpu_second": round(num_tokens / cpu, 1),
    }


def profile_generation(engine: Any, config: RunConfig, device: Any) -> dict[str, Any]:
    """Return where the time goes of drawing with the adapter, and on the base alone."""
    return {
        "adapter": busiest_operators(engine.generate, config, device),
        "base": busiest_operators(engine.generate_without_adapter, config, device),
    }


def busiest_operators(draw: Callable[..., Any], config: RunConfig, device: Any) -> dict[str, float]:
    """Return each operator's fraction of the processor's time, or the card's; those under a hundredth are left out."""
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    draw(requests(config, 1), sampling(config, max_tokens=_PROFILED_TOKENS))
    is_on_card = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if is_on_card else [])]) as profiled:
        draw(requests(config, config.train.num_completions), sampling(config, max_tokens=_PROFILED_TOKENS))
    side, time_of = (
        (DeviceType.CUDA, "self_device_time_total") if is_on_card else (DeviceType.CPU, "self_cpu_time_total")
    )
    spent = {event.key: getattr(event, time_of) for event in profiled.key_averages() if event.device_type == side}
    shares = {name: round(time / sum(spent.values()), 3) for name, time in spent.items()}
    return {name: share for name, share in sorted(shares.items(), key=lambda one: -one[1]) if share >= 0.01}


def time_syncs(engine: Any, config: RunConfig, model: Any) -> dict[str, Any]:
    """Return bytes and milliseconds of one version's way from the trainer's weights into vLLM."""
    import torch

    from leanrl.rollout.adapter_files import num_bytes
    from leanrl.trainer.rollouts.engines import policy_of

    milliseconds = []
    for version in range(NUM_SYNCS):
        started = time.perf_counter()
        policy = policy_of(model, config, version)
        engine.sync(policy)
        if model.device.type == "cuda":
            torch.cuda.synchronize()
        milliseconds.append(1000 * (time.perf_counter() - started))
    tensors = policy.adapter.tensors if policy.adapter is not None else dict(policy.weights())
    return {
        "what": "full weights" if policy.adapter is None else "adapter",
        "bytes": num_bytes(tensors, getattr(torch, config.model.compute_dtype)),
        "first_ms": round(milliseconds[0], 1),
        "median_ms": round(statistics.median(milliseconds), 1),
        "best_ms": round(min(milliseconds), 1),
    }


def sleep_cycles(engine: Any, config: RunConfig, model: Any) -> dict[str, Any]:
    """Return the bytes in use asleep and awake over cycles of generating, sleeping and waking, and their growth."""
    asleep, awake, to_sleep, to_wake = [], [], [], []
    asked = requests(config, 1)
    for _ in range(NUM_CYCLES):
        engine.generate(asked, sampling(config, max_tokens=8))
        to_sleep.append(milliseconds_of(engine.sleep))
        asleep.append(used_bytes(model.device))
        to_wake.append(milliseconds_of(engine.wake))
        awake.append(used_bytes(model.device))
    return {
        "level": "kv, shared base" if config.rollout.share_base else str(config.rollout.sleep_level),
        "cycles": NUM_CYCLES,
        "asleep_bytes": asleep,
        "awake_bytes": awake,
        "given_back_bytes": awake[-1] - asleep[-1],
        "growth_asleep_bytes": asleep[-1] - asleep[0],
        "growth_awake_bytes": awake[-1] - awake[0],
        "sleep_ms": round(statistics.median(to_sleep), 1),
        "wake_ms": round(statistics.median(to_wake), 1),
    }


def milliseconds_of(call: Any) -> float:
    started = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - started)


def used_bytes(device: Any) -> int:
    """Return what the driver counts on a card, all processes together; on a CPU this process's resident size."""
    import psutil
    import torch

    if device.type != "cuda":
        return int(psutil.Process().memory_info().rss)
    free, total = torch.cuda.mem_get_info(device)
    return total - free


def requests(config: RunConfig, num_completions: int) -> list[Any]:
    """Return prompts of full length without meaning, the same every time."""
    from leanrl.rollout.protocol import GroupRequest

    length, num_prompts = config.rollout.max_prompt_tokens, config.train.num_prompts
    prompts = [[3 + (7 * position + 31 * prompt) % 200 for position in range(length)] for prompt in range(num_prompts)]
    return [GroupRequest(prompt, num_completions) for prompt in prompts]


def sampling(config: RunConfig, *, max_tokens: int) -> Any:
    from leanrl.rollout.protocol import Sampling

    return Sampling(temperature=1.0, max_completion_tokens=max_tokens, stop_token_ids=(2,))


if __name__ == "__main__":
    main()
