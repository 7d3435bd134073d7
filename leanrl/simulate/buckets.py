"""DDP's buckets: a copy of all gradients that lives as long as the run, and what gradients become once exchanged."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from leanrl.simulate.tracker import StorageTracker


class Buckets:
    """Buckets of one rank, with a tensor for each trained one.

    Other ranks do not exist: nothing is sent. Reduction works in the buckets, so it takes no further bytes.
    """

    def __init__(self, trained: Iterable[Tensor], tracker: StorageTracker) -> None:
        self._parts = {tensor: torch.empty_like(tensor) for tensor in trained}
        tracker.assign(self._parts.values(), "gradient buckets")

    @contextmanager
    def exchange(self) -> Iterator[None]:
        """Let each gradient of the backward pass within become its part of a bucket as soon as it is whole.

        So does DDP with `gradient_as_bucket_view` (torch/csrc/distributed/c10d/reducer.cpp, mark_variable_ready_dense).
        """
        hooks = [tensor.register_post_accumulate_grad_hook(self._move) for tensor in self._parts]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _move(self, owner: Tensor) -> None:
        owner.grad = self._parts[owner]
