"""Blocks of pinned memory, by hand and against the allocator of the installed torch."""

from pathlib import Path

import pytest
import torch

from leanrl.planner.memory.pinned import block_bytes, blocks_of_all_sizes


@pytest.mark.parametrize(
    ("num_bytes", "block"), [(0, 0), (1, 1), (2, 2), (3, 4), (72 * 2**20, 128 * 2**20), (2**30, 2**30)]
)
def test_a_block_is_the_next_power_of_two(num_bytes, block):
    assert block_bytes(num_bytes) == block


def test_smaller_tensors_have_blocks_of_their_own():
    """72 MiB are in 128; what came at 40, 20, 10 ... MiB is in 64, 32, 16 ...: 127 in all."""
    smaller = sum(block_bytes(40 * 2**20 >> halvings) for halvings in range(7))
    assert block_bytes(72 * 2**20) + smaller <= blocks_of_all_sizes(72 * 2**20)


def test_torch_rounds_pinned_memory_to_a_power_of_two():
    """Its headers are in the package: the rule that the plan counts by, and no limit above which it would not hold."""
    include = Path(torch.__file__).parent / "include"
    allocator = (include / "ATen" / "core" / "CachingHostAllocator.h").read_text()
    assert "PowerOf2Ceil(size)" in allocator
    if "pinned_max_round_threshold" in allocator:
        settings = (include / "c10" / "core" / "AllocatorConfig.h").read_text()
        assert "pinned_max_round_threshold_{std::numeric_limits<size_t>::max()}" in settings
