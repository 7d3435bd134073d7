"""Adapter folders for vLLM: published whole or not at all, each under a name of its own."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from leanrl.errors import StoppedError
from leanrl.rollout.protocol import Adapter

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"
_TMPFS = Path("/dev/shm")


def make_root(*, tmpfs: Path = _TMPFS) -> Path:
    """Return a new folder for adapters, in memory where the system has a writable tmpfs, else on disk."""
    is_usable = tmpfs.is_dir() and os.access(tmpfs, os.W_OK | os.X_OK)
    return Path(tempfile.mkdtemp(prefix="leanrl-adapters-", dir=tmpfs if is_usable else None))


def publish(adapter: Adapter, root: Path, name: str, *, dtype: torch.dtype) -> Path:
    """Write the adapter beside and rename it to `root/name`; tensors travel in `dtype`.

    Raises:
        ValueError: if the name is taken: an engine may still hold what was computed under it.
    """
    final = root / name
    if final.exists():
        raise ValueError(f"{final} exists already; a policy version never reuses a name.")
    beside = Path(tempfile.mkdtemp(prefix=".partial-", dir=root))
    save_file(travelling(adapter.tensors, dtype), beside / WEIGHTS)
    (beside / CONFIG).write_text(json.dumps(dict(adapter.config)), encoding="utf-8")
    os.rename(beside, final)
    return final


def verify(folder: Path, adapter: Adapter, *, dtype: torch.dtype) -> None:
    """Read a published adapter back and compare it, value by value, with what was meant.

    Raises:
        StoppedError: if a tensor is missing, too many, or differs.
    """
    wanted = travelling(adapter.tensors, dtype)
    try:
        found = load_file(folder / WEIGHTS)
        json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except Exception as error:  # safetensors raises its own class for a file that was cut short
        raise half_written(folder, f"it cannot be read: {error}") from error
    if found.keys() != wanted.keys():
        raise half_written(folder, f"it holds {len(found)} tensors, and the adapter has {len(wanted)}")
    for name, tensor in wanted.items():
        if not torch.equal(found[name], tensor):
            raise half_written(folder, f"{name} differs from the adapter's")


def half_written(folder: Path, what: str) -> StoppedError:
    """Return the error for an adapter whose files are not what was to be published."""
    return StoppedError(
        f"rollout mismatch: half-written adapter. {folder} was published, but {what}.",
        hint="`df -h` shows whether that place is full; leanrl train --resume RUN continues",
    )


def withdraw(folder: Path) -> None:
    """Remove a published adapter; one that is gone already is fine."""
    shutil.rmtree(folder, ignore_errors=True)


def travelling(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Return copies on the host in the dtype in which they travel: never views of what is being trained."""
    return {
        name: tensor.detach().to(device="cpu", dtype=dtype, copy=True).contiguous() for name, tensor in tensors.items()
    }
