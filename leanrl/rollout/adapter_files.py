"""Folders of adapters and weights for vLLM: published whole or not at all, each under a name of its own."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from leanrl.errors import StoppedError
from leanrl.rollout.protocol import Adapter, NamedTensors

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


def publish(adapter: Adapter, root: Path, name: str, *, dtype: torch.dtype) -> Path:
    """Write the adapter beside and rename it to `root/name`; tensors travel in `dtype`.

    Raises:
        ValueError: if the name is taken: an engine may still hold what was computed under it.
    """
    files = {CONFIG: json.dumps(dict(adapter.config))}
    return _publish(dict(travelling(adapter.tensors.items(), dtype)), WEIGHTS, root, name, files=files)


def publish_weights(weights: Mapping[str, Tensor], root: Path, name: str) -> Path:
    """Write a model's weights beside and rename them to `root/name`.

    Raises:
        ValueError: if the name is taken.
    """
    return _publish(weights, "model.safetensors", root, name, files={})


def verify(folder: Path, adapter: Adapter, *, dtype: torch.dtype) -> None:
    """Read a published adapter back and compare it, value by value, with what was meant.

    Raises:
        StoppedError: if a tensor is missing, too many, or differs.
    """
    wanted = dict(travelling(adapter.tensors.items(), dtype))
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


def num_bytes(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> int:
    """Return the bytes of the tensors in the dtype in which they travel."""
    return sum(tensor.numel() for tensor in tensors.values()) * dtype.itemsize


def travelling(tensors: Iterable[tuple[str, Tensor]], dtype: torch.dtype) -> NamedTensors:
    """Yield copies on the host in the dtype in which they travel: never views of what is being trained."""
    for name, tensor in tensors:
        yield name, tensor.detach().to(device="cpu", dtype=dtype, copy=True).contiguous()


def _publish(tensors: Mapping[str, Tensor], file: str, root: Path, name: str, *, files: Mapping[str, str]) -> Path:
    final = root / name
    if final.exists():
        raise ValueError(f"{final} exists already; a policy version never reuses a name.")
    beside = Path(tempfile.mkdtemp(prefix=".partial-", dir=root))
    save_file(dict(tensors), beside / file)
    for other, text in files.items():
        (beside / other).write_text(text, encoding="utf-8")
    os.rename(beside, final)
    return final
