"""Optimizers of weights that ranks share (FSDP2): each rank updates its own parts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def on_own_parts(cls: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """Return an optimizer that does to this rank's part of each weight what `cls` does to a whole one.

    Adam updates each number by itself, so parts become what the whole would. Only the scales of 8-bit moments notice:
    their blocks of 256 numbers begin anew with each part. Groups hold the shared weights, as whoever clips or wraps an
    optimizer expects; state belongs to parts, and no rank knows that of another (trainer/ranks/part_files.py saves it).
    """

    class OnOwnParts(cls):  # type: ignore[valid-type, misc]
        def __init__(self, *args: Any, **values: Any) -> None:
            self.parts: dict[Tensor, nn.Parameter] = {}
            super().__init__(*args, **values)

        def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
            with _parts_in_groups(self, self.parts):
                return super().step(closure)

        def state_dict(self) -> dict[str, Any]:
            with _parts_in_groups(self, self.parts):
                return super().state_dict()

        def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
            with _parts_in_groups(self, self.parts):
                super().load_state_dict(state_dict)

    return OnOwnParts


@contextmanager
def _parts_in_groups(optimizer: torch.optim.Optimizer, parts: dict[Tensor, nn.Parameter]) -> Iterator[None]:
    shared = [group["params"] for group in optimizer.param_groups]
    for group, weights in zip(optimizer.param_groups, shared, strict=True):
        group["params"] = [_part(weight, parts) for weight in weights]
    try:
        yield
    finally:
        # Groups are new ones where state was loaded.
        for group, weights in zip(optimizer.param_groups, shared, strict=True):
            group["params"] = weights
        for part in parts.values():
            part.grad = None


@torch.no_grad()
def _part(weight: Tensor, parts: dict[Tensor, nn.Parameter]) -> nn.Parameter:
    """Return this rank's part of a weight, the same object every time, with the gradient of now.

    FSDP2 moves a part when it pads what ranks cannot share evenly. A rank may have nothing of a small weight.
    """
    values = weight.to_local()
    part = parts.setdefault(weight, nn.Parameter(values))
    part.data = values
    part.grad = weight.grad.to_local() if weight.grad is not None and values.numel() else None
    return part
