"""Tensors of a checkpoint's files compared with those that a model holds, by name, shape, dtype and bits."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion

from leanrl.errors import ConfigError

_MOST_NAMED = 3


def differences(saved: Iterable[tuple[str, Tensor]], held: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield one line for each tensor that is on one side only, or whose shape, dtype or bits are others."""
    seen = {}
    for name, tensor in saved:
        seen[name] = None
        if name in held:
            yield from difference(name, tensor, held[name])
    yield from other_names(seen, held)


def file_differences(model: PreTrainedModel, folder: Path) -> Iterator[str]:
    """Yield the differences between the files of a whole model and a model loaded from them, under the files' names.

    A family may have other names, and the experts of a layer in one tensor, in memory: transformers' own conversion
    gives the names back. A tensor tied to another need not be in the files.
    """
    files = sorted(folder.glob("model*.safetensors"))
    held = revert_weight_conversion(model, model.state_dict())
    yield from differences(_all_tensors(files), _without_tied(held, files))


def require_read_whole(model: PreTrainedModel, folder: Path) -> None:
    """Compare a model with the checkpoint that it was read from, cast to the dtype that was asked for.

    A model that no trainer saved is left alone: its files may hold tensors that its class has no use for.

    Raises:
        ConfigError: naming the tensors that differ.
    """
    if not (folder / "trainer_state.json").is_file():
        return
    files = sorted(folder.glob("model*.safetensors"))
    held = _without_tied(revert_weight_conversion(model, model.state_dict()), files)
    cast = ((name, saved.to(held[name].dtype) if name in held else saved) for name, saved in _all_tensors(files))
    refuse(list(differences(cast, held)), folder)


def refuse(found: list[str], checkpoint: Path) -> None:
    """Name the first differences; nothing where there are none.

    Raises:
        ConfigError: with them.
    """
    if found:
        more = f", and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        raise ConfigError(
            f"{checkpoint} does not fit what was loaded from it: {'; '.join(found[:_MOST_NAMED])}{more}.",
            hint="put `model` in config.json of the run back to what wrote it; "
            "or use the versions of leanrl, transformers and peft that did (env.json of the run names them)",
        )


def tensors_of(file: Path) -> Iterator[tuple[str, Tensor]]:
    with safe_open(file, framework="pt") as opened:
        for name in opened.keys():  # noqa: SIM118 - no mapping
            yield name, opened.get_tensor(name)


def _all_tensors(files: Iterable[Path]) -> Iterator[tuple[str, Tensor]]:
    for file in files:
        yield from tensors_of(file)


def _without_tied(held: Mapping[str, Tensor], files: Iterable[Path]) -> dict[str, Tensor]:
    """Leave out tensors that no file names and that are one with another that a file does name."""
    named = set()
    for file in files:
        with safe_open(file, framework="pt") as opened:
            named |= set(opened.keys())
    places = {held[name].data_ptr() for name in named & held.keys()}
    return {name: tensor for name, tensor in held.items() if name in named or tensor.data_ptr() not in places}


def other_names(saved: Mapping[str, Any], held: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(saved.keys() - held.keys()):
        yield f"{name} is in the checkpoint only"
    for name in sorted(held.keys() - saved.keys()):
        yield f"{name} is not in the checkpoint"


def difference(name: str, saved: Tensor, held: Tensor) -> Iterator[str]:
    if saved.shape != held.shape:
        yield f"{name} is {tuple(saved.shape)} in the checkpoint and {tuple(held.shape)} in this run"
    elif saved.dtype != held.dtype:
        yield f"{name} is {_name_of(saved.dtype)} in the checkpoint and {_name_of(held.dtype)} in this run"
    elif not torch.equal(_bits(saved), _bits(held).to("cpu")):
        yield f"{name} has other values than in the checkpoint"


def _bits(tensor: Tensor) -> Tensor:
    """Return the bytes: a NaN is equal to itself."""
    return tensor.detach().reshape(-1).contiguous().view(torch.uint8)


def _name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
