"""Runs the real command line in a process of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def leanrl(
    *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, timeout_seconds: float = 300
) -> Outcome:
    """Return what `leanrl ARGUMENTS` did.

    One that takes longer than it would on the busiest machine hangs. It has one thread: with those of other tests
    beside it, two would spin against each other.
    """
    done = subprocess.run(
        [sys.executable, "-m", "leanrl", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def tiny_overrides(model: Path, *more: str) -> list[str]:
    """Return the -s flags that turn cpu-demo into a run of two quick steps on a tiny model."""
    settings = (
        f"model.id={model}",
        "model.wheel=null",
        "model.dtype=float32",
        "model.compute_dtype=float32",
        "model.tuning.rank=4",
        "train.max_steps=2",
        "train.num_prompts=2",
        "train.num_completions=4",
        "train.micro_batch_completions=3",
        "checkpoints.every_steps=1",
        "rollout.max_completion_tokens=8",
        "data.num_heldout=2",
        *more,
    )
    return [part for setting in settings for part in ("-s", setting)]
