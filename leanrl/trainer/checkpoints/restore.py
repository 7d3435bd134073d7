"""Weights and optimizer state of a checkpoint put back, and every tensor compared with the file it came from.

transformers' Trainer loads by the names in the file and only logs what it did not use. So an adapter beside a frozen
reference adapter, a dtype of its own, or names that differ on disk and in memory leave weights as they were.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel, get_peft_model_state_dict
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from leanrl.models.load import load_as_saved, runs_own_code
from leanrl.models.locate import LocatedModel
from leanrl.models.trained import ADAPTER_WEIGHTS, adapter_names
from leanrl.models.weights.compare import difference, differences, file_differences, other_names, refuse, tensors_of

_OPTIMIZER = "optimizer.pt"
_SHARDED_MODEL = "pytorch_model_fsdp.bin"


@torch.no_grad()
def restore_weights(policy: PreTrainedModel | PeftModel, checkpoint: Path) -> None:
    """Give a policy the weights of a checkpoint: its adapters, the frozen reference adapter too, or the whole model.

    Raises:
        ConfigError: naming the tensors that differ in name, shape, dtype or value from those of the files.
    """
    if isinstance(policy, PeftModel):
        _restore_adapters(policy, checkpoint)
    else:
        _restore_model(policy, checkpoint)


@torch.no_grad()
def check_shards(policy: nn.Module, checkpoint: Path) -> None:
    """Compare weights that ranks share with the file that they were loaded from; call it on all ranks.

    Raises:
        ConfigError: as `restore_weights`.
    """
    saved = torch.load(checkpoint / _SHARDED_MODEL, map_location="cpu", mmap=True, weights_only=True)
    held = policy.state_dict()
    found = [*other_names(saved, held)]
    for name in sorted(saved.keys() & held.keys()):
        whole = held[name].full_tensor() if isinstance(held[name], DTensor) else held[name]  # a meeting of all ranks
        found += difference(name, saved[name], whole)
    refuse(found, checkpoint)


def check_optimizer(optimizer: torch.optim.Optimizer, checkpoint: Path) -> None:
    """Compare the state of an optimizer with the file that it was loaded from.

    Each rank's own part of a sharded state lies in other files, which the optimizer takes as they are.

    Raises:
        ConfigError: as `restore_weights`.
    """
    file = checkpoint / _OPTIMIZER
    if not file.is_file():
        return
    saved = _flat(torch.load(file, map_location="cpu", mmap=True, weights_only=True)["state"])
    refuse(list(differences(saved.items(), _flat(optimizer.state_dict()["state"]))), checkpoint)


def _restore_adapters(policy: PeftModel, checkpoint: Path) -> None:
    folders = adapter_names(checkpoint) | {"default": checkpoint}
    found = [*other_names(dict.fromkeys(folders), dict.fromkeys(policy.peft_config))]
    for name in policy.peft_config.keys() & folders.keys():
        file = folders[name] / ADAPTER_WEIGHTS
        held = get_peft_model_state_dict(policy, adapter_name=name, save_embedding_layers=False)
        _copy(tensors_of(file), held)
        held = get_peft_model_state_dict(policy, adapter_name=name, save_embedding_layers=False)
        found += differences(tensors_of(file), held)
    refuse(found, checkpoint)


def _restore_model(model: PreTrainedModel, checkpoint: Path) -> None:
    """Load the files by transformers' own conversion into a copy on the CPU, and take the weights over.

    A family may have other names, and experts of one layer in one tensor, in memory: the copy is compared with the
    files under their names, and the model with the copy under its own.
    """
    located = LocatedModel(str(checkpoint), None, "folder", trust_remote_code=runs_own_code(model))
    copy = load_as_saved(located, dtype="auto", attention="eager")  # never run, and every family has eager
    found = [*file_differences(copy, checkpoint)]
    held = model.state_dict()
    _copy(copy.state_dict().items(), held)
    found += differences(copy.state_dict().items(), held)
    refuse(found, checkpoint)


def _copy(saved: Iterable[tuple[str, Tensor]], held: Mapping[str, Tensor]) -> None:
    """Copy in place what fits; `differences` tells of the rest."""
    for name, tensor in saved:
        if name in held and held[name].shape == tensor.shape and held[name].dtype == tensor.dtype:
            held[name].copy_(tensor)


def _flat(state: Mapping[Any, Any], prefix: str = "") -> dict[str, Tensor]:
    """Return the tensors of an optimizer's state by the path to them; torchao's moments as their parts."""
    flat: dict[str, Tensor] = {}
    for key, value in state.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{name}.")
        elif hasattr(value, "__tensor_flatten__"):
            flat |= {f"{name}.{part}": getattr(value, part) for part in value.__tensor_flatten__()[0]}
        elif isinstance(value, Tensor):
            flat[name] = value
    return flat
