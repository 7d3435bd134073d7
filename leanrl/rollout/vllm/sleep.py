"""What a vLLM in this process gives back while it rests, and how it takes it again."""

import sys
from typing import Any, Literal, Protocol

import torch

from leanrl.errors import MissingError
from leanrl.machine.environment import installed_version
from leanrl.machine.installation import install_packages

# As `rollout.sleep_level`: 0 nothing, kv its KV cache, 1 also weights (to host memory), 2 weights dropped.
SleepLevel = Literal[0, "kv", 1, 2]


class Sleep(Protocol):
    """One way to rest; `wake_up` undoes `fall_asleep`, and neither is called twice in a row."""

    def fall_asleep(self) -> None: ...

    def wake_up(self) -> None: ...


def choose_sleep(llm: Any, level: SleepLevel) -> Sleep:
    """Return how this `vllm.LLM` rests. A CPU has one memory: what would move there stays, the KV cache goes.

    Raises:
        MissingError: for `kv` on a card, if this vLLM cannot give back the KV cache alone.
    """
    if level == 0:
        return Sleepless()
    if not can_sleep():
        return HostCacheRelease(llm)
    if level != "kv":
        return DeepSleep(llm, level)
    if not hasattr(llm, "release_kv_cache_memory"):
        raise MissingError(
            f"vllm {installed_version('vllm')} cannot give back its KV cache alone; 0.31 can.",
            hint=f"{install_packages('vllm>=0.31,<0.32')}, or -s rollout.sleep_level=1 -s rollout.share_base=false",
        )
    return CacheRelease(llm)


def can_sleep() -> bool:
    """Return whether vLLM can give back memory of this machine's device by itself."""
    from vllm.platforms import current_platform

    return current_platform.is_sleep_mode_available()


def released_bytes() -> int:
    """Return the bytes that a colocated vLLM has given back to its card and torch's allocator goes on counting.

    vLLM unmaps the memory behind its tensors, and the tensors stay: `torch.cuda.memory_allocated` is as before
    (vllm 0.31.0, device_allocator/cumem.py). The count is of whole segments, of 2 MiB or more.
    """
    module = sys.modules.get("vllm.device_allocator.cumem")
    pool = None if module is None else module.CuMemAllocator.instance
    if pool is None:
        return 0
    return sum(data.handle[1] for data in pool.pointer_to_data.values() if data.is_asleep)


class Sleepless:
    """Gives nothing back."""

    def fall_asleep(self) -> None:
        """Do nothing."""

    def wake_up(self) -> None:
        """Do nothing."""


class DeepSleep:
    """vLLM's own levels: the KV cache is dropped, weights go to host memory (1) or are dropped as well (2)."""

    def __init__(self, llm: Any, level: Literal[1, 2]) -> None:
        self._llm = llm
        self._level = level

    def fall_asleep(self) -> None:
        self._llm.sleep(level=self._level)

    def wake_up(self) -> None:
        self._llm.wake_up()


class CacheRelease:
    """The KV cache is dropped on the card; weights, adapters and CUDA graphs stay where they are.

    Their addresses stay reserved, so that captured graphs find them again (vllm 0.31.0, device_allocator/cumem.py).
    """

    def __init__(self, llm: Any) -> None:
        self._llm = llm

    def fall_asleep(self) -> None:
        settle(self._llm)
        self._llm.sleep(level=0)  # vLLM asks for a pause before it releases
        self._llm.release_kv_cache_memory()

    def wake_up(self) -> None:
        self._llm.wake_up(tags=["kv_cache"])


def settle(llm: Any) -> None:
    """Let vLLM finish a batch that it scheduled ahead, and forget requests that have ended.

    `LLM.generate` returns with the last answer. Requests that have just ended are noted for the next batch, and a card
    has one in flight; vLLM releases no cache before both are gone (vllm 0.31.0, v1/engine/core.py).
    """
    client = llm.llm_engine.engine_core
    core = client.engine_core
    while core.scheduler.has_requests() or core.batch_queue:
        client.get_output()


class HostCacheRelease:
    """The same on a CPU, where vLLM has no such call: the storage behind its tensors shrinks to nothing and back.

    All that look at it (one view for each layer) stay the tensors that they are.
    """

    def __init__(self, llm: Any) -> None:
        self._llm = llm
        self._released: list[tuple[torch.UntypedStorage, int]] = []

    def fall_asleep(self) -> None:
        self._llm.sleep(level=1)  # on a CPU this pauses and empties the prefix cache, and moves nothing
        for storage in cache_storages(self._llm):
            self._released.append((storage, storage.nbytes()))
            storage.resize_(0)

    def wake_up(self) -> None:
        while self._released:
            storage, num_bytes = self._released.pop()
            storage.resize_(num_bytes)
            # As vLLM makes them: an attention kernel reads whole blocks, and a weight of 0 times NaN is NaN.
            torch.empty(0, dtype=torch.uint8).set_(storage).zero_()
        self._llm.wake_up()


def cache_storages(llm: Any) -> list[torch.UntypedStorage]:
    """Return the memory behind vLLM's KV cache, each once."""
    tensors: list[torch.Tensor] = llm.collective_rpc(_caches)[0]
    return list({tensor.untyped_storage()._cdata: tensor.untyped_storage() for tensor in tensors}.values())


def _caches(worker: Any) -> list[torch.Tensor]:
    return list(worker.model_runner.kv_caches)
