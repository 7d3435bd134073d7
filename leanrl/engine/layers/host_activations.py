"""Activations that wait in host memory between the forward and the backward pass.

With gradient checkpointing they are the inputs of the decoder layers: nearly all that a micro-batch keeps on the card.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Smaller tensors cost more in latency than they free.
MIN_BYTES = 2**20


@dataclass(eq=False)
class _Waiting:
    """A tensor in host memory; `fetched` is its copy on the card once that is on its way back."""

    host: Tensor
    fetched: Tensor | None = None


class HostActivations(torch.autograd.graph.saved_tensors_hooks):
    """Keeps the activations that autograd saves within it in host memory, and fetches each one ahead of its use.

    At most two are on the card: one that is used, and one on its way. Gradients stay the same to the bit, since a
    copy is exact. What counts as an activation has the axes B, S and more; weights have two.

    Args:
        copies: how tensors travel; `CudaCopies` on a GPU.
        min_bytes: smaller tensors stay on the card.
    """

    def __init__(self, copies: "Copies", *, min_bytes: int = MIN_BYTES) -> None:
        super().__init__(self._pack, self._unpack)
        self._copies = copies
        self._min_bytes = min_bytes
        self._waiting: list[_Waiting] = []

    def _pack(self, tensor: Tensor) -> Tensor | _Waiting:
        if tensor.dim() < 3 or not tensor.is_floating_point() or tensor.nbytes < self._min_bytes:
            return tensor
        waiting = _Waiting(self._copies.to_host(tensor))
        self._waiting.append(waiting)
        return waiting

    def _unpack(self, packed: Tensor | _Waiting) -> Tensor:
        if isinstance(packed, Tensor):
            return packed
        self._fetch(packed)
        if packed in self._waiting:
            self._waiting.remove(packed)
        if self._waiting:
            # The backward pass comes in reverse: what was saved last is needed next.
            self._fetch(self._waiting[-1])
        tensor, packed.fetched = packed.fetched, None
        return self._copies.ready(tensor)

    def _fetch(self, waiting: _Waiting) -> None:
        if waiting.fetched is None:
            waiting.fetched = self._copies.to_card(waiting.host)


class Copies:
    """Copies within one memory: what a CPU can show of the traffic.

    Args:
        mark_host: is called with each tensor that stands for host memory; the simulation counts it no longer.
    """

    def __init__(self, mark_host: Callable[[list[Tensor]], Any] = lambda _: None) -> None:
        self._mark_host = mark_host

    def to_host(self, tensor: Tensor) -> Tensor:
        host = tensor.detach().clone()
        self._mark_host([host])
        return host

    def to_card(self, host: Tensor) -> Tensor:
        return host.clone()

    def ready(self, tensor: Tensor) -> Tensor:
        """Return the tensor when the stream that computes may read it."""
        return tensor


class CudaCopies(Copies):
    """Copies between a GPU and pinned memory on a stream of their own, beside the computation."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._leaving: tuple[Tensor, torch.cuda.Event] | None = None
        self._events: dict[int, torch.cuda.Event] = {}

    def to_host(self, tensor: Tensor) -> Tensor:
        computing = torch.cuda.current_stream(self._device)
        if self._leaving is not None:
            # The computation waits for the copy before last, so that its memory may be used again.
            computing.wait_event(self._leaving[1])
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        self._stream.wait_stream(computing)
        with torch.cuda.stream(self._stream):
            host.copy_(tensor.detach(), non_blocking=True)
        self._leaving = tensor, self._stream.record_event()
        return host

    def to_card(self, host: Tensor) -> Tensor:
        self._leaving = None
        with torch.cuda.stream(self._stream):
            tensor = host.to(self._device, non_blocking=True)
        self._events[id(tensor)] = self._stream.record_event()
        return tensor

    def ready(self, tensor: Tensor) -> Tensor:
        computing = torch.cuda.current_stream(self._device)
        computing.wait_event(self._events.pop(id(tensor)))
        tensor.record_stream(computing)
        return tensor
