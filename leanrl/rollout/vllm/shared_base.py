"""The trainer's frozen base as views of a colocated vLLM's own tensors, so that the base exists once."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from leanrl.rollout.vllm.base_layout import TABLES, Place, find_places

_PEFT_PREFIX = "base_model.model."


class CannotShareError(Exception):
    """vLLM's tensors cannot stand for the trainer's; the message says which, and why."""


def frozen_base(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that an adapter leaves alone, by their names in a checkpoint; a tied one once.

    A frozen adapter, the reference, is none of the base.
    """
    return {
        as_in_checkpoint(name): parameter
        for name, parameter in model.named_parameters()
        if not parameter.requires_grad and ".lora_" not in name
    }


def as_in_checkpoint(name: str) -> str:
    """Return a parameter's name without what PEFT, or vLLM's own layers with an adapter, have put around it."""
    return name.removeprefix(_PEFT_PREFIX).replace(".base_layer.", ".")


def move_base(base: Mapping[str, nn.Parameter], device: torch.device | str) -> None:
    """Move the tensors behind the parameters; modules and names stay.

    Called with "cpu" before vLLM starts and makes a base of its own: the card never holds both.
    """
    for parameter in base.values():
        parameter.data = parameter.data.to(device)


def share(base: Mapping[str, nn.Parameter], served: Mapping[str, Tensor]) -> None:
    """Make every parameter of the base a view of its rows in vLLM's tensors; all of them, or none.

    Args:
        base: the trainer's frozen parameters, by their names in a checkpoint, wherever they are.
        served: vLLM's parameters by name.

    Raises:
        CannotShareError: if a tensor is missing, or has another shape, dtype or value.
    """
    places = find_places({name: parameter.shape[0] for name, parameter in base.items()})
    views = {name: _matching_view(name, parameter.data, places[name], served) for name, parameter in base.items()}
    for name, parameter in base.items():
        parameter.data = views[name]


def separate(base: Mapping[str, nn.Parameter]) -> None:
    """Give every parameter memory of its own again: vLLM's goes when vLLM is closed, and the model is used on."""
    for parameter in base.values():
        parameter.data = parameter.data.clone()


def _matching_view(name: str, tensor: Tensor, place: Place, served: Mapping[str, Tensor]) -> Tensor:
    whole = served.get(place.name)
    if whole is None:
        raise CannotShareError(f"vLLM has no tensor {place.name}")
    obstacle = _obstacle(name, tensor, place, whole)
    if obstacle is not None:
        raise CannotShareError(f"{place.name} {obstacle}")
    view = whole.detach()[place.first_row : place.first_row + place.num_rows]
    if not torch.equal(view.to(tensor.device), tensor):
        raise CannotShareError(f"{name} has other values in vLLM than in the trainer")
    return view


def _obstacle(name: str, tensor: Tensor, place: Place, whole: Tensor) -> str | None:
    if whole.numel() == 0:
        return "is packed for the CPU's kernels"
    if whole.dtype != tensor.dtype:
        return f"is {whole.dtype} in vLLM and {tensor.dtype} in the trainer"
    if name in TABLES and whole.shape[0] > place.total_rows:
        return f"has {whole.shape[0]} rows in vLLM, which pads the vocabulary of {place.total_rows}"
    if whole.shape != (place.total_rows, *tensor.shape[1:]):
        return f"has shape {tuple(whole.shape)} in vLLM, and {(place.total_rows, *tensor.shape[1:])} is needed"
    if not whole.is_contiguous():
        return "does not lie row by row in vLLM"
    if whole.is_inference():
        return "was made in torch's inference mode, and cannot be kept for a backward pass"
    return None
