"""The adapter that a run goes on from: its shape, taken over into the keys that describe one."""

import json
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from leanrl.config.layers import Given, Path
from leanrl.errors import Problem
from leanrl.storage.home import expanded
from leanrl.storage.run_folder import RunFolder
from leanrl.storage.run_format import format_of

_START = ("model", "tuning", "start_adapter")
_FILE = "adapter_config.json"


def adopt_start_adapter(leaves: Mapping[Path, Given]) -> tuple[dict[Path, Given], list[Problem]]:
    """Return the leaves with rank, alpha, rsLoRA and targets as the adapter named by `start_adapter` has them.

    Its path becomes absolute, and a run becomes the newest of its complete checkpoints. What an older layer
    (a preset's parent) says of the shape gives way; what is said beside `start_adapter`, or after it, has to agree.
    """
    start = leaves.get(_START)
    if start is None or not isinstance(start.value, str):
        return dict(leaves), []
    folder = _folder_of(expanded(start.value))
    if folder is None:
        what = f"{start.value} holds no adapter: no {_FILE} is there, and no complete checkpoint of a run"
        return dict(leaves), [Problem(".".join(_START), what, "name a run, a checkpoint or an adapter's folder")]
    try:
        shape = _read_shape(folder)
    except (OSError, ValueError, KeyError) as error:
        return dict(leaves), [Problem(".".join(_START), f"{folder / _FILE} cannot be read: {error}")]
    if shape["targets"] is None:
        what = f"{folder / _FILE} names its modules by a pattern; leanrl reads names"
        return dict(leaves), [Problem(".".join(_START), what, "write them as a list into target_modules")]
    return _adopt(leaves, start, folder, shape)


def _adopt(
    leaves: Mapping[Path, Given], start: Given, folder: FilePath, shape: Mapping[str, Any]
) -> tuple[dict[Path, Given], list[Problem]]:
    adopted = dict(leaves)
    adopted[_START] = Given(str(folder), start.origin)
    problems = []
    for name, value in shape.items():
        path = (*_START[:2], name)
        said = leaves.get(path)
        has_to_agree = said is not None and said.origin in (start.origin, "--set")
        if said is not None and has_to_agree and not _agree(said.value, value):
            what = f"is {said.value} ({said.origin}), but the adapter in {folder} has {value}"
            problems.append(Problem(".".join(path), what, f"leave it out, or without {'.'.join(_START)}"))
        adopted[path] = Given(value, f"adapter {folder}")
    adopted.pop((*_START[:2], "alpha_ratio"))  # alpha says it
    return adopted, problems


def _folder_of(path: FilePath) -> FilePath | None:
    around = path.resolve().parent
    format_of(around.parent if around.name == "checkpoints" else path)
    if (path / _FILE).is_file():
        return path.resolve()
    checkpoints = RunFolder(path).complete_checkpoints()
    return checkpoints[-1].resolve() if checkpoints and (checkpoints[-1] / _FILE).is_file() else None


def _read_shape(folder: FilePath) -> dict[str, Any]:
    lora = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    targets = lora["target_modules"]
    return {
        "rank": lora["r"],
        "alpha": float(lora["lora_alpha"]),
        "alpha_ratio": lora["lora_alpha"] / lora["r"],
        "rslora": bool(lora.get("use_rslora", False)),
        # PEFT spells all-linear out, with the whole name of every module where there are few.
        "targets": sorted({name.rpartition(".")[2] for name in targets}) if isinstance(targets, list) else None,
    }


def _agree(said: Any, value: Any) -> bool:
    """Whether the config and the adapter say the same; null says nothing, and all-linear may be the adapter's list."""
    if isinstance(said, list) and isinstance(value, list):
        return sorted(said) == sorted(value)
    return bool(said in (value, None, "all-linear"))
