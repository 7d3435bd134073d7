"""The device that a configuration asks for, and whether this machine has it."""

import os

import torch

from leanrl.config.checks.support import PAGING_NEEDS_A_GPU
from leanrl.config.schema import RunConfig
from leanrl.errors import MissingError
from leanrl.hints import setting
from leanrl.launch.cards import num_cards_in_sight
from leanrl.planner.machine.this_machine import Gpu

_ON_CPU = "-s hardware.device=cpu -s hardware.num_gpus=0, or `leanrl train -p cpu-demo`"


def gpu_names() -> list[str]:
    """Return the names of the GPUs that torch sees, for env.json."""
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def gpu_here(num_gpus: int) -> Gpu | None:
    """Return the GPU with the least memory of the first `num_gpus` that torch sees, or None without any."""
    found = [torch.cuda.get_device_properties(index) for index in range(min(num_gpus, torch.cuda.device_count()))]
    gpus = [Gpu(properties.name, properties.total_memory) for properties in found]
    return min(gpus, key=lambda gpu: gpu.total_bytes, default=None)


def require_device(config: RunConfig) -> None:
    """Refuse a run whose GPUs are not all here, or cannot compute in bf16.

    Raises:
        MissingError: naming the device that is asked for.
    """
    if config.hardware.is_cpu:
        return
    if not torch.cuda.is_available():
        if config.hardware.device == "auto":
            _require_no_paging(config)
            return
        raise MissingError("hardware.device is cuda, and torch sees no GPU on this machine.", hint=_ON_CPU)
    needed, found = num_cards_in_sight(config), torch.cuda.device_count()
    if found < needed:
        raise MissingError(
            f"hardware.num_gpus is {config.hardware.num_gpus}: GPU {needed - 1} is used, "
            f"and torch sees 0 to {found - 1}.",
            hint=f"{setting('hardware.num_gpus', found)}, or more of them in CUDA_VISIBLE_DEVICES",
        )
    if config.model.compute_dtype == "bfloat16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise MissingError(
            f"{torch.cuda.get_device_name(0)} has no bf16, in which this run computes.",
            hint="-s model.dtype=float32 -s model.compute_dtype=float32; `leanrl cards` lists cards that have bf16",
        )


def _require_no_paging(config: RunConfig) -> None:
    if config.optimizer.name == "adamw_8bit_paged":
        raise MissingError(f"optimizer.name: {PAGING_NEEDS_A_GPU}.", hint="-s optimizer.name=adamw_8bit")


def loading_device(config: RunConfig) -> str:
    """Return where weights are loaded: on the CPU, and NF4 where it trains, since nothing moves a quantised model."""
    on_cpu = config.hardware.is_cpu or not torch.cuda.is_available()
    if config.model.tuning.method != "qlora" or on_cpu:
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
