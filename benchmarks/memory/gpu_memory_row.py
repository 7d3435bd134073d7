"""One row of gpu_memory.py, in a process of its own: two steps of leanrl's engine on random weights.

    python benchmarks/memory/gpu_memory_row.py '{"row": {...}, "device": "cuda", "tiny": false, "vram_gib": null}'
    python benchmarks/memory/gpu_memory_row.py about

Prints one JSON object as its last line: the peaks of the second step, in which the optimizer's state exists.
"""

import contextlib
import gc
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from leanrl.config.schema import ModelConfig, RunConfig
from leanrl.planner.memory.allocation import upper_bytes
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.phases import Phase, train_phases
from leanrl.planner.workload import Workload, workload_of

GIB = 2**30
MODEL = "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B"
TINY = ModelShape("qwen2", 2, 64, 128, 2, 1, 32, 256, tied=False, qkv_bias=True)
# (prompt, completion) tokens: the paper's, and enough for more than one row of a tile.
TOKENS, TINY_TOKENS = (512, 3584), (8, 24)
MEASURED = ("load", "forward_backward", "optimizer_step")
# Two, so that the second finds the gradients of the first; two steps, so that the second finds Adam's state.
NUM_MICRO_BATCHES = NUM_STEPS = 2


@dataclass(frozen=True)
class Row:
    """One way to train: bf16 weights, fused AdamW; LoRA of rank 32 on all linear layers."""

    name: str
    method: str
    micro_batch: int
    checkpointing: bool = True
    head: str = "tiled"

    def config(self, *, tiny: bool) -> RunConfig:
        """Return the run whose step this row is."""
        prompt, completion = TINY_TOKENS if tiny else TOKENS
        group = max(2, self.micro_batch)
        tuning = {"method": self.method, "rank": 32}
        return RunConfig.model_validate(
            {
                "model": {"id": MODEL, "dtype": "bfloat16", "compute_dtype": "bfloat16", "tuning": tuning},
                "rollout": {"max_prompt_tokens": prompt, "max_completion_tokens": completion},
                "train": {
                    "num_prompts": NUM_MICRO_BATCHES * self.micro_batch // group,
                    "num_completions": group,
                    "micro_batch_completions": self.micro_batch,
                    "gradient_checkpointing": self.checkpointing,
                },
            }
        )

    def workload(self, shape: ModelShape, *, tiny: bool) -> Workload:
        workload = workload_of(self.config(tiny=tiny), shape)
        return workload if self.head == "tiled" else replace(workload, head="naive")


@dataclass(frozen=True)
class Expected:
    """What the planner says of a row: bytes of the phases that are measured, and the most that the driver may see."""

    phases: dict[str, int]
    upper_bytes: int

    @property
    def peak_bytes(self) -> int:
        return max(self.phases.values())


def expect(row: Row, *, device: str, tiny: bool) -> Expected:
    """Return the plan of a row."""
    shape = model_shape(tiny=tiny)
    workload = row.workload(shape, tiny=tiny)
    phases: list[Phase] = [phase for phase in train_phases(shape, workload, kv_bytes=0) if phase.name in MEASURED]
    upper = max(upper_bytes(phase, workload, device="cpu" if device == "cpu" else "cuda") for phase in phases)
    return Expected({phase.name: phase.bytes for phase in phases}, upper)


def model_shape(*, tiny: bool) -> ModelShape:
    return TINY if tiny else find_shape(MODEL)


def main() -> None:
    if sys.argv[1] == "about":
        print(json.dumps(about_gpu()))
        return
    asked = json.loads(sys.argv[1])
    print(json.dumps(measure(Row(**asked["row"]), asked["device"], tiny=asked["tiny"], vram_gib=asked["vram_gib"])))


def about_gpu() -> dict[str, Any]:
    """Return the GPU's name, bytes and CUDA version; empty without one."""
    import torch

    if not torch.cuda.is_available():
        return {}
    properties = torch.cuda.get_device_properties(0)
    return {
        "name": properties.name,
        "total_bytes": properties.total_memory,
        "compute_capability": f"{properties.major}.{properties.minor}",
        "cuda": torch.version.cuda,
        "allocator": os.environ.get("PYTORCH_CUDA_ALLOC_CONF") or os.environ.get("PYTORCH_ALLOC_CONF"),
    }


def measure(row: Row, device_name: str, *, tiny: bool, vram_gib: float | None) -> dict[str, Any]:
    """Return the peaks of a row's phases, or that memory ran out."""
    import torch

    from leanrl.trainer.memory.gauges import choose_gauge
    from leanrl.trainer.memory.phase_meter import PhaseMeter

    device = torch.device(device_name)
    cap_memory(device, vram_gib)
    used_at_start = driver_used_bytes(device)
    meter = PhaseMeter(choose_gauge(device), first="load")
    try:
        model = build(row, device, gauge=meter.gauge, tiny=tiny)
        meter.end()
        used: dict[str, int | None] = {"load": driver_used_bytes(device)}
        taken = run_steps(row, model, meter, used, device, tiny=tiny)
    except torch.OutOfMemoryError as error:
        return {"failed": f"out of memory: {error}"}
    return {
        "source": meter.gauge.source,
        "driver_used_at_start_bytes": used_at_start,
        "phases": [
            {
                "name": name,
                "allocated_bytes": taken[name].allocated_bytes,
                "reserved_bytes": taken[name].reserved_bytes,
                "driver_used_bytes": used[name],
            }
            for name in MEASURED
        ],
    }


def cap_memory(device: Any, vram_gib: float | None) -> None:
    """Let this process take no more of a GPU than a smaller card has."""
    import torch

    if vram_gib is not None and device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, vram_gib * GIB / total), device)


def build(row: Row, device: Any, *, gauge: Any, tiny: bool) -> Any:
    """Return the model with random weights on its device, its head taught and its adapter on it."""
    import torch
    from transformers import AutoModelForCausalLM

    from leanrl.engine.prepare import prepare_model
    from leanrl.simulate.fake_model import transformers_config

    config = row.config(tiny=tiny)
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(
            transformers_config(model_shape(tiny=tiny)), attn_implementation="sdpa", dtype=torch.bfloat16
        )
    if row.method == "qlora":
        folder = tempfile.TemporaryDirectory()
        model.save_pretrained(folder.name)
        del model
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
        gauge.reset()  # the 16-bit model was never there in a real run
        model = quantised(folder.name, config.model, device)
        folder.cleanup()
    model.config.use_cache = False
    prepare_model(model, config.train)
    if row.method != "full":
        model = adapted(model, config.model)
    if row.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model.train()


def adapted(model: Any, config: ModelConfig) -> Any:
    """Return the model with leanrl's adapter, in the dtype that it trains in."""
    import torch
    from peft import get_peft_model

    from leanrl.models.adapters.adapter import lora_config, set_adapter_dtype

    model = get_peft_model(model, lora_config(config.tuning))
    set_adapter_dtype(model, getattr(torch, config.tuning.adapter_dtype), weights={})
    model.enable_input_require_grads()
    return model


def quantised(folder: str, config: ModelConfig, device: Any) -> Any:
    """Return the model in `folder` as leanrl loads it in NF4."""
    from leanrl.models.load import load_policy
    from leanrl.models.locate import LocatedModel

    return load_policy(config, LocatedModel(folder, None, "folder"), device=str(device))


def run_steps(
    row: Row, model: Any, meter: Any, used: dict[str, int | None], device: Any, *, tiny: bool
) -> dict[str, Any]:
    """Run the steps, and return the peaks of loading and of the last step."""
    import torch
    from torch import nn

    completion = (TINY_TOKENS if tiny else TOKENS)[1]
    micro_batch = longest_rows(row, device, tiny=tiny)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1.0e-6, fused=True)
    loaded = meter.take()
    peaks = loaded
    for _ in range(NUM_STEPS):
        for _ in range(NUM_MICRO_BATCHES):
            with phase(meter, "forward_backward", used, device), arithmetic(device):
                add_gradients(row, model, micro_batch, completion)
        with phase(meter, "optimizer_step", used, device):
            nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
        optimizer.zero_grad()
        peaks = loaded | meter.take()
    return peaks


def longest_rows(row: Row, device: Any, *, tiny: bool) -> Any:
    """Return a full micro-batch of the longest prompts and completions."""
    from leanrl.engine.rows import StepRow, lay_out

    prompt, completion = TINY_TOKENS if tiny else TOKENS
    longest = StepRow(prompt_ids=[5] * prompt, completion_ids=[7] * completion, advantage=1.0, weight=0.1)
    return lay_out([longest] * row.micro_batch, pad_id=0, device=device)


def add_gradients(row: Row, model: Any, micro_batch: Any, completion_tokens: int) -> None:
    """Run forward and backward through leanrl's head, or through logits of the whole completions."""
    from leanrl.engine.settings import LossSettings
    from leanrl.engine.step import train_micro_batch

    if row.head == "tiled":
        settings = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=1.0)
        train_micro_batch(model, micro_batch, settings=settings)
        return
    import torch

    logits_B_T_V = model(input_ids=micro_batch.input_ids_B_S, logits_to_keep=completion_tokens + 1).logits[:, :-1]
    # Row by row, as TRL scores bf16 logits: one log-softmax of all would be as large as the logits again.
    logprobs_B_T = torch.stack(
        [
            logits_T_V.log_softmax(-1).gather(-1, ids_T[:, None])[:, 0]
            for logits_T_V, ids_T in zip(logits_B_T_V, micro_batch.target_ids_B_T, strict=True)
        ]
    )
    (-logprobs_B_T.sum(dim=1) * micro_batch.weights_B).sum().backward()


@contextmanager
def phase(meter: Any, name: Any, used: dict[str, int | None], device: Any) -> Iterator[None]:
    """Meter a phase, and note what the driver counts at its end, when the allocator still holds what it took."""
    with meter.phase(name):
        yield
    used[name] = driver_used_bytes(device)


def driver_used_bytes(device: Any) -> int | None:
    """Return the bytes in use on the GPU as its driver counts them, all processes together."""
    import torch

    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    return total - free


@contextmanager
def arithmetic(device: Any) -> Iterator[None]:
    """Compute as the trainer does; on a GPU with flash attention, which large cards would not choose by themselves."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    is_on_gpu = device.type == "cuda"
    flash: AbstractContextManager[Any] = (
        sdpa_kernel(SDPBackend.FLASH_ATTENTION) if is_on_gpu else contextlib.nullcontext()
    )
    with flash, torch.autocast(device.type, dtype=torch.bfloat16):
        yield


if __name__ == "__main__":
    main()
