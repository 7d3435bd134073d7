"""VisitingWeights: a frozen model whose weights wait in host memory, or in a file, and visit a device."""

import mmap
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

_ALIGNED_BYTES = 64  # of a tensor's place in a file; a view of a dtype needs a multiple of its size


class Home(Protocol):
    """Where weights wait.

    `waiting` is what stands in the model meanwhile. `fetch` returns the weights on the device: copies that are dropped
    after a visit, so that what is written into them is lost.
    """

    waiting: Sequence[Tensor]

    def fetch(self) -> list[Tensor]: ...

    def store(self, weights: Sequence[Tensor]) -> None:
        """Take other values of the same shapes."""
        ...


class VisitingWeights:
    """Sends a model's weights home at once, in the dtype they have, and lets them visit.

    Weights that modules share are kept and fetched once. Buffers stay where they are.

    Args:
        model: is frozen.
        home: makes the home of the weights that it is given.
    """

    def __init__(self, model: nn.Module, home: Callable[[Sequence[Tensor]], Home]) -> None:
        weights = list(model.parameters())
        numbers = {id(weight): number for number, weight in enumerate(weights)}
        # By number: whoever held on to the weights themselves would keep them on the device.
        self._places = [
            (module, name, numbers[id(weight)])
            for module in model.modules()
            for name, weight in module.named_parameters(recurse=False)
        ]
        self._home = home([weight.detach() for weight in weights])
        self._put(self._home.waiting)

    @contextmanager
    def visiting(self) -> Iterator[None]:
        """Have the weights on the device inside."""
        self._put(self._home.fetch())
        try:
            yield
        finally:
            self._put(self._home.waiting)

    def store(self, weights: Sequence[Tensor]) -> None:
        """Take the weights of another model of the same class, in the order of its parameters."""
        self._home.store(weights)

    def _put(self, values: Sequence[Tensor]) -> None:
        weights = [nn.Parameter(one, requires_grad=False) for one in values]
        for module, name, number in self._places:
            setattr(module, name, weights[number])


class HostMemory:
    """A home in host memory, pinned where a GPU is visited; on a CPU nothing is ever copied."""

    def __init__(self, weights: Sequence[Tensor], *, device: torch.device | str) -> None:
        self._device = torch.device(device)
        is_pinned = self._device.type == "cuda"
        self.waiting = [weight.cpu().pin_memory() if is_pinned else weight.cpu() for weight in weights]

    def fetch(self) -> list[Tensor]:
        return [weight.to(self._device, non_blocking=True) for weight in self.waiting]

    def store(self, weights: Sequence[Tensor]) -> None:
        for waiting, weight in zip(self.waiting, weights, strict=True):
            waiting.copy_(weight)


class NamelessFile:
    """A home in a file that is mapped for a visit: between visits its pages are the kernel's, to keep or to drop.

    The file has no name: it goes with the process, however that ends.

    Args:
        folder: on a disk; where it is memory (tmpfs), nothing is gained.

    Raises:
        OSError: if the disk takes no more.
    """

    def __init__(self, weights: Sequence[Tensor], *, device: torch.device | str, folder: Path) -> None:
        self._device = torch.device(device)
        self.waiting = [torch.empty_like(weight, device="meta") for weight in weights]
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (open as long as this object)
        self._offsets = [self._append(weight) for weight in weights]
        self._file.flush()

    def fetch(self) -> list[Tensor]:
        # Copy on write: a page that nobody writes to stays the file's.
        pages = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_COPY)
        return [
            torch.frombuffer(pages, dtype=weight.dtype, count=weight.numel(), offset=offset)
            .view(weight.shape)
            .to(self._device)
            for weight, offset in zip(self.waiting, self._offsets, strict=True)
        ]

    def store(self, weights: Sequence[Tensor]) -> None:
        for waiting, weight, offset in zip(self.waiting, weights, self._offsets, strict=True):
            self._file.seek(offset)
            self._write(weight.to(waiting.dtype))
        self._file.flush()

    def _append(self, weight: Tensor) -> int:
        """Append a weight, and return where it begins."""
        self._file.write(bytes(-self._file.tell() % _ALIGNED_BYTES))
        offset = self._file.tell()
        self._write(weight)
        return offset

    def _write(self, weight: Tensor) -> None:
        self._file.write(weight.cpu().contiguous().view(-1).view(torch.uint8).numpy())
