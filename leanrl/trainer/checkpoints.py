"""Checkpoints of a run: room for them, and the one to go on from."""

import json
import shutil
from pathlib import Path

from torch import nn

from leanrl.errors import ConfigError, DoesNotFitError
from leanrl.run_folder import RunFolder

# Adam keeps two fp32 moments for every trained weight.
_OPTIMIZER_BYTES_PER_WEIGHT = 8
# Tokenizer, trainer state and random state; a tokenizer of 152 k entries takes about 11 MiB.
_FIXED_BYTES = 32 * 2**20


def checkpoint_bytes(model: nn.Module) -> int:
    """Return what one checkpoint of the trained weights and their optimizer takes on disk."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    return _FIXED_BYTES + sum(
        weight.numel() * (weight.element_size() + _OPTIMIZER_BYTES_PER_WEIGHT) for weight in trained
    )


def require_disk_space(run: RunFolder, *, needed_bytes: int, keep_last: int) -> None:
    """Refuse a run whose checkpoints the disk cannot hold.

    One more than `keep_last` exist while a new one is written.

    Raises:
        DoesNotFitError: with both sizes.
    """
    total = needed_bytes * (keep_last + 1)
    free = shutil.disk_usage(run.path).free
    if free < total:
        raise DoesNotFitError(
            f"checkpoints need {total / 2**30:.1f} GiB ({keep_last + 1} of {needed_bytes / 2**30:.2f} GiB), but "
            f"{run.path} has {free / 2**30:.1f} GiB free.",
            hint="name a larger disk with `--run-dir`, or keep fewer with -s checkpoints.keep_last=1",
        )


def newest_checkpoint(run: RunFolder) -> Path:
    """Return the newest checkpoint that was written to its end.

    Raises:
        ConfigError: if there is none.
    """
    checkpoints = run.complete_checkpoints()
    if not checkpoints:
        raise ConfigError(
            f"{run.path} has no complete checkpoint to go on from.",
            hint=f"start anew with `leanrl train -p {run.config}`",
        )
    return checkpoints[-1]


def rewind_metrics(run: RunFolder, *, step: int) -> None:
    """Drop the metrics of steps after `step`: the resumed run takes them again."""
    if not run.metrics.is_file():
        return
    kept = [line for line in run.metrics.read_text(encoding="utf-8").splitlines() if _step_of(line) <= step]
    run.metrics.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return float("inf")
