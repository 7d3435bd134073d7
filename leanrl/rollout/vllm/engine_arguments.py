"""The arguments a vLLM engine is started with, every one of them written out."""

import json
import math
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.planner.memory.kv_budget import choose_kv_bytes
from leanrl.planner.memory.kv_cache import kv_bytes_per_token
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import workload_of
from leanrl.rollout.vllm.servable import lora_buffer_rank
from leanrl.rollout.vllm.tied_head import WORKER_EXTENSION
from leanrl.rollout.vllm.whole_distribution import logprobs_mode, scaling_extension

# vLLM's CPU default is 128, and a prompt shorter than a block is never cached.
_CPU_BLOCK_TOKENS = 32
_CARD_BLOCK_TOKENS = 16
# vLLM asks at its start whether this fraction of the card is free, by default 0.92, although the bytes of its KV cache
# are given and decide what it takes (vllm 0.31.0, v1/worker/utils.py: request_memory). The plan has made sure of room.
_FREE_SHARE_AT_START = 0.01
# vLLM keeps a block of zeros for itself (vllm 0.31.0, v1/core/block_pool.py: null_block).
_SPARE_BLOCKS = 2


def engine_arguments(
    config: RunConfig,
    *,
    model: str,
    shape: ModelShape,
    adapter_rank: int | None,
    usable_bytes: int | None,
    seed: int,
    vllm: str | None = None,
) -> dict[str, Any]:
    """Return the keyword arguments of `vllm.LLM`; `server_flags` turns them into a server's.

    Args:
        model: the folder or Hub id of the base.
        shape: the base's sizes, for the bytes of the KV cache.
        adapter_rank: of the adapter that is trained; None for all parameters.
        usable_bytes: bytes of the card; None on a CPU, where the KV cache of the whole step is kept.
        seed: one for each rank, so that ranks do not draw the same tokens.
        vllm: the version that generates; None is the newest that leanrl works with.
    """
    workload = workload_of(config, shape, vllm=vllm)
    num_sequences = workload.completions_per_engine
    is_on_cpu = usable_bytes is None
    arguments: dict[str, Any] = {
        "model": model,
        "revision": config.model.revision,
        # "auto" would turn an fp32 checkpoint into bf16 without a word.
        "dtype": config.model.compute_dtype,
        "seed": seed,
        "max_model_len": config.max_model_tokens,
        "max_num_seqs": num_sequences,
        "max_num_batched_tokens": max(
            num_sequences, min(workload.engine_batch_tokens, num_sequences * config.max_model_tokens)
        ),
        "kv_cache_memory_bytes": _cpu_kv_bytes(config, shape, num_sequences)
        if is_on_cpu
        else choose_kv_bytes(shape, workload, usable_bytes=usable_bytes),
        "block_size": _CPU_BLOCK_TOKENS if is_on_cpu else _CARD_BLOCK_TOKENS,
        "enable_prefix_caching": True,
        "enforce_eager": is_on_cpu,
        "logprobs_mode": logprobs_mode(config),
        # "auto" lets the model's generation_config.json change the sampling.
        "generation_config": "vllm",
        "trust_remote_code": config.model.trust_remote_code,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    if not is_on_cpu:
        arguments["gpu_memory_utilization"] = _FREE_SHARE_AT_START
    if adapter_rank is None and is_on_cpu and shape.tied:
        arguments["worker_extension_cls"] = WORKER_EXTENSION
    if not config.samples_plainly and config.sampling_temperatures != [1.0]:
        arguments["worker_extension_cls"] = scaling_extension(arguments.get("worker_extension_cls"))
    if config.serves_nf4:
        arguments |= {"quantization": "bitsandbytes", "load_format": "bitsandbytes"}
    if adapter_rank is not None:
        arguments |= {
            "enable_lora": True,
            "max_lora_rank": lora_buffer_rank(adapter_rank),
            "max_loras": 1,
            "max_cpu_loras": 2,
        }
    if config.serves_other_base:
        # Its self-test scores texts, and vLLM fails to where the head could have an adapter (seen with 0.31.0).
        arguments["lora_target_modules"] = sorted(shape.linears)
    return arguments


def server_flags(arguments: dict[str, Any]) -> list[str]:
    """Return engine arguments as flags of `vllm.entrypoints.openai.api_server`."""
    flags: list[str] = []
    for name, value in arguments.items():
        flag = "--" + name.replace("_", "-")
        if value is True:
            flags.append(flag)
        elif isinstance(value, list):
            flags += [flag, *value]
        elif value is not None and value is not False:
            flags += [flag, json.dumps(value) if isinstance(value, dict) else str(value)]
    return flags


def _cpu_kv_bytes(config: RunConfig, shape: ModelShape, num_sequences: int) -> int:
    bytes_per_number = 4 if config.model.compute_dtype == "float32" else 2
    num_blocks = num_sequences * math.ceil(config.max_model_tokens / _CPU_BLOCK_TOKENS) + _SPARE_BLOCKS
    return num_blocks * _CPU_BLOCK_TOKENS * kv_bytes_per_token(shape, bytes_per_number=bytes_per_number)
