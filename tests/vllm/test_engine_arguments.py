"""The arguments of an engine against the installed vLLM: what it knows, and what it asks of a card at its start."""

from types import SimpleNamespace

import pytest

from leanrl.rollout.vllm.servable import LORA_RANKS
from tests.rollout.vllm.test_engine_arguments import arguments


@pytest.mark.parametrize("usable_bytes", [None, 20 * 2**30], ids=["CPU", "card"])
def test_the_engine_knows_every_argument(usable_bytes):
    from vllm.engine.arg_utils import EngineArgs

    assert arguments(rank=8, usable_bytes=usable_bytes).keys() <= set(EngineArgs.__dataclass_fields__)


def test_the_ranks_of_adapters_are_vllms():
    from vllm.config.lora import MaxLoRARanks

    assert MaxLoRARanks.__args__ == LORA_RANKS


@pytest.mark.parametrize("free_share", [0.02, 0.5])
def test_an_engine_starts_on_a_card_that_others_use_too(free_share):
    """vLLM asks before it takes anything; what it takes are the bytes that are given."""
    from vllm.config import CacheConfig
    from vllm.v1.worker.utils import request_memory

    card = SimpleNamespace(total_memory=24 * 2**30, free_memory=int(free_share * 24 * 2**30), device_="cuda:0")
    share = arguments(usable_bytes=20 * 2**30)["gpu_memory_utilization"]
    assert request_memory(card, CacheConfig(gpu_memory_utilization=share)) <= card.free_memory
    with pytest.raises(ValueError, match="Free memory on device"):
        request_memory(card, CacheConfig())
