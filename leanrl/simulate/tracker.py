"""A tracker of live tensor storages: how many bytes of which category exist, and when they were most."""

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor, is_fake
from torch.distributed.tensor import DTensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# The block to which CUDA's caching allocator rounds every request (c10/cuda/CUDACachingAllocator.cpp, kMinBlockSize).
CUDA_BLOCK_BYTES = 512


# A question of a model's code about numbers. Of fake tensors the answer is no: rows are not longer than those that a
# rotary embedding was made for, and no layer is left out.
_ASKS_FOR_A_NUMBER = torch.ops.aten._local_scalar_dense.default
# Autograd and kernels ask for it more often than for anything else; the way through all modes costs a fifth of a
# simulation.
_ASKS_FOR_THE_DEVICE = torch.ops.prim.device.default


@dataclass(frozen=True)
class PhasePeak:
    """The moment of a phase at which the most bytes were alive."""

    name: str
    bytes: int
    categories: dict[str, int]


@dataclass
class _Block:
    num_bytes: int
    category: str
    death: weakref.ref[torch.UntypedStorage]


class StorageTracker(TorchDispatchMode):
    """Counts the storages that operators return while it is active, until they are freed.

    Works on real tensors and on fake ones. A storage is counted once, however many views it has. What an operator
    allocates and frees inside itself is invisible here; `operator_bytes` declares it where it matters.

    Args:
        block_bytes: each storage is rounded up to a multiple of this; 1 counts what was asked for.
        operator_bytes: by operator, bytes that a call holds beside its results.
    """

    def __init__(self, *, block_bytes: int = 1, operator_bytes: dict[Any, Callable[..., int]] | None = None) -> None:
        super().__init__()
        self._block_bytes = block_bytes
        self._operator_bytes = operator_bytes or {}
        self._blocks: dict[int, _Block] = {}
        self._live: Counter[str] = Counter()
        self._category = "other"
        self._phase: str | None = None
        self._peaks: dict[str, PhasePeak] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Save the guard against torch.compile around each operator, an eighth of a simulation."""
        return False

    @property
    def live_bytes(self) -> int:
        return self._live.total()

    @property
    def peaks(self) -> list[PhasePeak]:
        return list(self._peaks.values())

    @contextmanager
    def phase(self, name: str, *, category: str) -> Iterator[None]:
        """Record the peak of what runs within as `name`; new storages belong to `category`."""
        before = self._phase, self._category
        self._phase, self._category = name, category
        self._record(0)
        try:
            yield
        finally:
            self._phase, self._category = before

    def assign(self, tensors: Iterable[Tensor], category: str) -> None:
        """Put the storages of `tensors` into `category`, counting those that were made elsewhere too."""
        for tensor in tensors:
            self._count(tensor)
            block = self._blocks[id(_storage(tensor))]
            self._live[block.category] -= block.num_bytes
            block.category = category
            self._live[category] += block.num_bytes

    def forget(self, tensors: Iterable[Tensor]) -> None:
        """Count the storages of `tensors` no longer, also where an operator returns a view of them: host memory."""
        for tensor in tensors:
            self._count(tensor)
            block = self._blocks[id(_storage(tensor))]
            self._live[block.category] -= block.num_bytes
            block.num_bytes = 0

    def __enter__(self) -> "StorageTracker":
        # FSDP2 frees gathered weights by giving their storage the size 0, which no operator shows.
        self._original_resize = torch.UntypedStorage.resize_
        original, tracker = self._original_resize, self

        def resize_(storage: torch.UntypedStorage, size: int) -> torch.UntypedStorage:
            original(storage, size)
            tracker._resize(storage)
            return storage

        torch.UntypedStorage.resize_ = resize_
        super().__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        torch.UntypedStorage.resize_ = self._original_resize

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is _ASKS_FOR_THE_DEVICE and isinstance(args[0], FakeTensor):
            return args[0].fake_device
        if func is _ASKS_FOR_A_NUMBER and is_fake(args[0]) and args[0].dtype is torch.bool:
            return False
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        hidden = self._operator_bytes.get(func)
        self._record(0 if hidden is None else hidden(*args, **(kwargs or {})))
        return result

    def _count(self, tensor: Tensor) -> None:
        storage = _storage(tensor)
        key = id(storage)
        if key in self._blocks:
            return
        num_bytes = self._rounded(storage)
        self._blocks[key] = _Block(num_bytes, self._category, weakref.ref(storage, lambda _: self._free(key)))
        self._live[self._category] += num_bytes

    def _resize(self, storage: torch.UntypedStorage) -> None:
        block = self._blocks.get(id(storage))
        if block is not None:
            num_bytes = self._rounded(storage)
            self._live[block.category] += num_bytes - block.num_bytes
            block.num_bytes = num_bytes

    def _rounded(self, storage: torch.UntypedStorage) -> int:
        return -(-storage.nbytes() // self._block_bytes) * self._block_bytes

    def _free(self, key: int) -> None:
        block = self._blocks.pop(key, None)
        if block is not None:
            self._live[block.category] -= block.num_bytes

    def _record(self, hidden_bytes: int) -> None:
        if self._phase is None:
            return
        total = self._live.total() + hidden_bytes
        known = self._peaks.get(self._phase)
        if known is None or total > known.bytes:
            categories = {name: size for name, size in self._live.items() if size}
            if hidden_bytes:
                categories["within operators"] = hidden_bytes
            self._peaks[self._phase] = PhasePeak(self._phase, total, categories)


def _storage(tensor: Tensor) -> torch.UntypedStorage:
    """A sharded tensor holds its own part only."""
    return (tensor._local_tensor if isinstance(tensor, DTensor) else tensor).untyped_storage()
