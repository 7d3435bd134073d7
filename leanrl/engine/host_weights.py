"""HostWeights: a frozen model whose weights live in host memory and visit a device."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class HostWeights:
    """Keeps a model's weights in host memory, pinned where a GPU is visited, in the dtype they have.

    What visits is a copy that is dropped afterwards: frozen weights need no way back. Weights that modules share are
    kept and copied once. Buffers stay where they are.

    Args:
        model: is frozen, and its weights are sent home at once.
        device: where it is used; on a CPU nothing is ever copied.
    """

    def __init__(self, model: nn.Module, *, device: torch.device | str) -> None:
        self._device = torch.device(device)
        weights = list(model.parameters())
        numbers = {id(weight): number for number, weight in enumerate(weights)}
        # By number: whoever held on to the weights themselves would keep them on the device.
        self._places = [
            (module, name, numbers[id(weight)])
            for module in model.modules()
            for name, weight in module.named_parameters(recurse=False)
        ]
        self._at_home = [self._homed(weight) for weight in weights]
        self._put(self._at_home)

    @contextmanager
    def visiting(self) -> Iterator[None]:
        """Have the weights on the device inside."""
        self._put([home.to(self._device, non_blocking=True) for home in self._at_home])
        try:
            yield
        finally:
            self._put(self._at_home)

    def _homed(self, weight: Tensor) -> Tensor:
        home = weight.detach().cpu()
        return home.pin_memory() if self._device.type == "cuda" else home

    def _put(self, values: list[Tensor]) -> None:
        weights = [nn.Parameter(one, requires_grad=False) for one in values]
        for module, name, number in self._places:
            setattr(module, name, weights[number])
