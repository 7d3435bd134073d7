"""vLLM's memory on a card: its pool beside torch's allocator, on vLLM's own class without the driver's two calls."""

import inspect

import pytest
import torch

from leanrl.errors import DoesNotFitError
from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.rollout.vllm.sleep import released_bytes

MIB = 2**20


@pytest.fixture
def pool(monkeypatch):
    """vLLM's pool with weights of 6 MiB and a KV cache of 20 MiB, as its allocation callback notes them."""
    from vllm.device_allocator import cumem

    mapped = []
    monkeypatch.setattr(cumem, "unmap_and_release", lambda handle: mapped.remove(handle))
    monkeypatch.setattr(cumem, "create_and_map", mapped.append)
    for name in ("synchronize", "empty_cache"):
        monkeypatch.setattr(torch.accelerator, name, lambda *_: None)
    pool = cumem.CuMemAllocator()
    monkeypatch.setattr(cumem.CuMemAllocator, "instance", pool)
    for tag, address, num_bytes in (("weights", 1, 6 * MIB), ("kv_cache", 2, 20 * MIB)):
        pool.current_tag = tag
        handle = (0, num_bytes, address, 0)
        pool._python_malloc_callback(handle)
        mapped.append(handle)
    pool.mapped = mapped
    return pool


def test_bytes_of_a_released_kv_cache_are_known_until_it_wakes(pool):
    """`memory_allocated` counts them on: the gauge of a card takes them off."""
    assert released_bytes() == 0
    pool.discard(("kv_cache",))
    assert [handle[1] for handle in pool.mapped] == [6 * MIB]
    assert released_bytes() == 20 * MIB
    pool.wake_up(["kv_cache"])
    assert released_bytes() == 0


def test_weights_of_a_sleeping_engine_are_in_pinned_memory():
    """The plan counts their blocks (`planner/memory/pinned.py`)."""
    from vllm.device_allocator import cumem

    assert "pin_memory=PIN_MEMORY" in inspect.getsource(cumem.CuMemAllocator.sleep)


def test_without_a_pool_nothing_is_released(monkeypatch):
    from vllm.device_allocator import cumem

    monkeypatch.setattr(cumem.CuMemAllocator, "instance", None)
    assert released_bytes() == 0


@pytest.mark.parametrize("is_wrapped", [False, True], ids=["torch's error", "in vLLM's words"])
def test_a_card_too_full_for_vllm_is_an_error_that_a_user_can_mend(monkeypatch, is_wrapped):
    def start(**_):
        try:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        except torch.OutOfMemoryError as error:
            if is_wrapped:
                raise RuntimeError("CUDA out of memory occurred when warming up sampler") from error
            raise

    monkeypatch.setattr("vllm.LLM", start)
    with pytest.raises(DoesNotFitError, match="vLLM ran out of memory as it started") as caught:
        VllmColocate({})
    assert "nvidia-smi" in caught.value.hint


def test_another_error_of_vllms_start_stays_its_own(monkeypatch):
    def start(**_):
        raise RuntimeError("Engine core initialization failed.")

    monkeypatch.setattr("vllm.LLM", start)
    with pytest.raises(RuntimeError, match="initialization failed"):
        VllmColocate({})
