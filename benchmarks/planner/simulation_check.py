"""The simulation against the C++ allocator's own events, on tiny models that are really trained on a CPU.

    python benchmarks/planner/simulation_check.py

Each row runs one optimizer step three times: on real tensors under the profiler (what the allocator really gave),
on real tensors under the tracker, and on fake ones. Prints a table and writes
benchmarks/results/simulation-check-<date>.json. It says nothing about a GPU, whose kernels are others.
"""

import itertools
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from transformers import AttentionInterface

from benchmarks.planner.allocator_peak import allocator_peak
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.machine.environment import describe_machine
from leanrl.planner.models.shapes import ModelShape
from leanrl.simulate.fake_model import materialise, meta_model, meta_policy, transformers_config
from leanrl.simulate.step import count_step
from leanrl.simulate.tracker import StorageTracker

RESULTS = Path(__file__).parents[1] / "results"
SHAPE = ModelShape("qwen2", 3, 128, 384, 4, 2, 32, 2048, tied=False, qkv_bias=True)
# transformers' own "sdpa" builds a mask for fake tensors, which it takes for a traced model.
ATTENTION = "causal_without_mask"
PROMPT_TOKENS, COMPLETION_TOKENS, ROWS = 64, 448, 2


def attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **_: Any
) -> tuple[Tensor, None]:
    output = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
    return output.transpose(1, 2).contiguous(), None


def main() -> None:
    AttentionInterface.register(ATTENTION, attend)
    rows = []
    for dtype, method, checkpointing, kl_beta in itertools.product(
        ("float32", "bfloat16"), ("full", "lora"), (True, False), (0.0, 0.04)
    ):
        rows.append(check(dtype=dtype, method=method, checkpointing=checkpointing, kl_beta=kl_beta))
        print(json.dumps(rows[-1]))
    about = {"command": "python benchmarks/planner/simulation_check.py", "date": str(date.today())}
    target = RESULTS / f"simulation-check-{date.today()}.json"
    found = about | {"machine": describe_machine(), "rows": rows}
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(target)


def check(*, dtype: str, method: str, checkpointing: bool, kl_beta: float) -> dict[str, Any]:
    """Return the bytes that a step adds to its model, as the allocator, the tracker and the simulation see them."""
    overrides = {
        "model.dtype": dtype,
        "model.compute_dtype": dtype,
        "model.tuning.method": method,
        "model.tuning.rank": 8,
        "model.tuning.dropout": 0.0,
        "rollout.engine": "hf",
        "rollout.max_prompt_tokens": PROMPT_TOKENS,
        "rollout.max_completion_tokens": COMPLETION_TOKENS,
        "rollout.max_model_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
        "algorithm.kl_beta": kl_beta,
        "train.gradient_checkpointing": str(checkpointing).lower(),
        "train.num_prompts": 2,
        "train.num_completions": 2,
        "train.micro_batch_completions": ROWS,
        "train.max_tokens_per_micro_batch": "null",
    }
    config = load_config("plain", [f"{name}={value}" for name, value in overrides.items()]).config
    allocator = run_step(config, is_real=True, measure=real_peak)
    tracker = run_step(config, is_real=True, measure=tracker_peak)
    simulated = run_step(config, is_real=False, measure=tracker_peak)
    return {
        "dtype": dtype,
        "method": method,
        "checkpointing": checkpointing,
        "kl_beta": kl_beta,
        "allocator_bytes": allocator,
        "tracker_bytes": tracker,
        "simulated_bytes": simulated,
        "error": round(simulated / allocator - 1, 5),
    }


def run_step(config: RunConfig, *, is_real: bool, measure: Callable[..., int]) -> int:
    torch.manual_seed(0)
    model_config = transformers_config(SHAPE)
    policy = meta_policy(model_config, config.model)
    has_copy = config.algorithm.kl_beta > 0 and config.model.tuning.method == "full"
    reference = meta_model(model_config, config.model) if has_copy else None
    for model in (policy, reference):
        if model is not None:
            model.set_attn_implementation(ATTENTION)
    with nullcontext() if is_real else FakeTensorMode():
        for model in (policy, reference):
            if model is not None:
                materialise(model)
                if is_real:
                    for tensor in model.parameters():
                        torch.nn.init.normal_(tensor, std=0.02)
        return measure(config, policy, reference)


def tracker_peak(config: RunConfig, policy: Any, reference: Any) -> int:
    tracker = StorageTracker()
    count_step(config, policy, reference=reference, tracker=tracker)
    stays = {"weights", "adapter", "reference"}
    return max(peak.bytes - sum(peak.categories.get(name, 0) for name in stays) for peak in tracker.peaks)


def real_peak(config: RunConfig, policy: Any, reference: Any) -> int:
    return allocator_peak(lambda: count_step(config, policy, reference=reference, tracker=StorageTracker()))


if __name__ == "__main__":
    main()
