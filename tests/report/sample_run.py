"""A run folder as the trainer writes it, made from a seed: a model that learns, and completions that are hostile."""

import json
import math
import random
from pathlib import Path
from typing import Any

from leanrl.config.schema import AlgorithmConfig, ModelConfig, RolloutConfig, RunConfig, TrainConfig
from leanrl.config.sections.data import DataConfig
from leanrl.storage.run_folder import RunFolder, append_jsonl, create_run_folder, write_json

HOSTILE = '</pre><script>alert("x")</script><img src=https://example.org/pixel.png> \u2028 & \x00 \u202e end'


def write_sample_run(
    path: Path, *, num_steps: int = 18, kl_beta: float = 0.04, summary: dict[str, Any] | None = None
) -> RunFolder:
    """Write a finished run of `num_steps` steps; `summary` adds to or replaces what summary.json holds."""
    run = create_run_folder(path)
    draw = random.Random(11)
    write_json(run.config, _config(num_steps, kl_beta).model_dump(mode="json"))
    write_json(run.env, {"python": "3.11.7", "versions": {"torch": "2.13.0", "trl": "1.16.0"}, "commit": "0123abcd"})
    write_json(run.plan, _plan())
    for step in range(1, num_steps + 1):
        append_jsonl(run.metrics, step_record(step, num_steps=num_steps, draw=draw, kl_beta=kl_beta))
    run.completions.mkdir()
    for step in {1, *range(10, num_steps + 1, 10)}:
        for record in _completions(step):
            append_jsonl(run.completions / f"step-{step:06d}.jsonl", record)
    append_jsonl(run.dropped_rows, {"where": "sums.jsonl:7", "reason": "no gold answer (column 'answer')"})
    for name, share in (("greedy_before", 0.3), ("greedy_after", 0.9)):
        for record in _greedy(share):
            append_jsonl(run.path / f"{name}.jsonl", record)
    write_json(run.summary, _summary(num_steps) | (summary or {}))
    return run


def step_record(step: int, *, num_steps: int, draw: random.Random, kl_beta: float) -> dict[str, Any]:
    """Return one line of metrics.jsonl: accuracy rises along an S, entropy falls, length shrinks."""
    learnt = 1 / (1 + math.exp(-8 * (step / num_steps - 0.45)))
    accuracy = min(1.0, max(0.0, 0.15 + 0.75 * learnt + draw.gauss(0, 0.07)))
    boxed = min(1.0, 0.8 + 0.2 * learnt + draw.gauss(0, 0.03))
    rollout, train = 8.1 + draw.gauss(0, 0.5), 6.4 + draw.gauss(0, 0.4)
    return {
        "step": step,
        "loss": draw.gauss(0, 0.02),
        "reward": 0.5 * boxed + accuracy,
        "reward_std": 0.4,
        "rewards": {"one_box": boxed, "accuracy": accuracy},
        "zero_std_share": round(max(0.0, learnt * 0.7 + draw.gauss(0, 0.1)) * 4) / 4,
        "completion_tokens": {"mean": 13.4 - 1.2 * learnt + draw.gauss(0, 0.15), "min": 11, "max": 14},
        "truncated_share": max(0.0, 0.2 * (1 - learnt) + draw.gauss(0, 0.02)),
        "kl": 0.002 + 0.3 * learnt + abs(draw.gauss(0, 0.02)) if kl_beta else None,
        "entropy": 0.05 + 0.5 * (1 - learnt) + abs(draw.gauss(0, 0.02)),
        "grad_norm": 0.4 + abs(draw.gauss(0, 0.15)),
        "learning_rate": 2e-4 * (1 - step / num_steps),
        "verdicts": {"correct": accuracy, "no_box": 1 - boxed, "wrong": max(0.0, boxed - accuracy)},
        "seconds": {"step": rollout + train + 0.4, "rollout": rollout, "reward": 0.12, "train": train},
        "peak_bytes": {"rss": 4_640_264_192 + step * 1_000_000},
    }


def _config(num_steps: int, kl_beta: float) -> RunConfig:
    return RunConfig(
        name="cpu-demo",
        about="a real 135M model learns one-digit sums on any laptop, in minutes",
        model=ModelConfig(id="HuggingFaceTB/SmolLM2-135M-Instruct"),
        data=DataConfig(generator="one_digit_sums", num_heldout=14, prompt_template=r"Answer in \boxed{}: {problem}"),
        rollout=RolloutConfig(max_completion_tokens=14),
        rewards={"one_box": 0.5, "accuracy": 1.0},
        algorithm=AlgorithmConfig(kl_beta=kl_beta),
        train=TrainConfig(max_steps=num_steps, num_prompts=4, num_completions=8),
    )


def _plan() -> dict[str, Any]:
    gpu = {"index": 0, "role": "both", "usable_bytes": 13_743_895_347, "peak_bytes": 4_436_322_432}
    gpu |= {"upper_bytes": 5_652_496_665, "peak_phase": "forward_backward", "phases": []}
    return {"preset": "cpu-demo", "device": "cpu", "verdict": "fits", "gpus": [gpu], "time": {"step_seconds": 14.0}}


def _completions(step: int) -> list[dict[str, Any]]:
    texts = [(r"3 + 4 = \boxed{7}", "correct"), (r"3 + 4 = \boxed{12}", "wrong"), (f"3 + 4 = {HOSTILE}", "no_box")]
    return [
        {
            "step": step,
            "problem": "3 + 4",
            "gold": "7",
            "completion": completion,
            "num_tokens": 13,
            "rewards": {"one_box": float(verdict != "no_box"), "accuracy": float(verdict == "correct")},
            "advantage": 1.1 if verdict == "correct" else -0.6,
            "verdict": verdict,
        }
        for completion, verdict in texts
    ]


def _greedy(share_right: float) -> list[dict[str, Any]]:
    sums = [(left, right) for left in range(2, 7) for right in range(4)]
    return [
        {
            "problem": f"{left} + {right}",
            "gold": str(left + right),
            "completion": rf"{left} + {right} = \boxed{{{left + right if place < share_right * 20 else 11}}}",
            "verdict": "correct" if place < share_right * 20 else "wrong",
        }
        for place, (left, right) in enumerate(sums)
    ]


def _summary(num_steps: int) -> dict[str, Any]:
    return {
        "status": "finished",
        "preset": "cpu-demo",
        "steps": num_steps,
        "greedy_before": 0.3,
        "greedy_after": 0.9,
        "num_eval": 20,
        "seconds": 281.4,
        "cpu_seconds": 512.0,
        "peak_bytes": {"rss": 6_192_279_552},
        "num_train_rows": 74,
        "num_heldout_rows": 20,
        "num_dropped_rows": 1,
        "warnings": ["every completion of step 1 was cut at 14 tokens: raise rollout.max_completion_tokens"],
        "checkpoint": f"step-{num_steps:06d}",
    }


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a line file that is whole."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
