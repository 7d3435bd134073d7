"""What files of a checkpoint hold: the same values have the same contents, however their bytes lie in the file.

Ranks put the keys of a file in another order, and archives keep room as their writer likes. JSON is compared by value,
tensors by name, dtype, shape and every bit.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy
import torch
from safetensors import safe_open
from torch import Tensor

_PICKLED = (".pt", ".pth", ".bin")


def contents(file: Path) -> dict[str, str]:
    """Return what a file holds: a text or a digest for each value, by the path to it; all of an unknown kind as one."""
    if file.suffix == ".json":
        value = json.loads(file.read_text(encoding="utf-8"))
        if file.name == "adapter_config.json" and isinstance(value.get("target_modules"), list):
            value["target_modules"].sort()  # a set of PEFT's, whose order is another one in each interpreter
        return {"": json.dumps(value, sort_keys=True)}
    if file.suffix == ".safetensors":
        with safe_open(file, framework="pt") as opened:
            names = opened.keys()
            held = {name: opened.get_tensor(name) for name in names}
            return dict(_values({"tensors": held, "metadata": opened.metadata()}))
    if file.suffix in _PICKLED:
        # by the test itself a moment ago; random states are numpy's
        return dict(_values(torch.load(file, map_location="cpu", weights_only=False)))
    return {"": hashlib.sha256(file.read_bytes()).hexdigest()}


def _values(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if hasattr(value, "__tensor_flatten__"):
        names, _ = value.__tensor_flatten__()
        yield f"{path}.kind", f"{type(value).__name__} {value.dtype} {tuple(value.shape)}"
        value = {name: getattr(value, name) for name in names}
    if isinstance(value, Mapping):
        yield f"{path}.keys", repr(sorted(map(repr, value)))
        for key, inner in value.items():
            yield from _values(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        yield f"{path}.length", str(len(value))  # FSDP2 gives a tuple of a group back as a list
        for number, inner in enumerate(value):
            yield from _values(inner, f"{path}.{number}")
    elif isinstance(value, Tensor):
        data = value.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        yield path, f"{value.dtype} {tuple(value.shape)} {hashlib.sha256(data).hexdigest()}"
    elif isinstance(value, numpy.ndarray):
        yield path, f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    else:
        yield path, f"{type(value).__name__} {value!r}"
