"""The attention that a GPU would run has the shapes of plain attention, whatever the sizes of its heads."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional

from leanrl.engine.attention.packed import RowBounds
from leanrl.simulate.attention import _attend, cuda_attention
from leanrl.simulate.tracker import StorageTracker


@pytest.mark.parametrize("bounds", [None, (6, 10)], ids=["padded", "packed"])
@pytest.mark.parametrize(
    ("heads", "kv_heads", "size", "value_size"),
    [(4, 4, 64, 64), (4, 2, 64, 64), (4, 4, 24, 16), (4, 2, 24, 16), (4, 2, 512, 512)],
    ids=["plain", "shared", "latent", "latent and shared", "wide"],
)
def test_the_output_has_the_size_of_the_values(heads, kv_heads, size, value_size, bounds):
    """Latent attention (DeepSeek) has narrower values; heads of 512 (Gemma 4) are too wide for flash attention."""
    module = nn.Module()
    module.num_key_value_groups = heads // kv_heads
    with FakeTensorMode(), cuda_attention():
        query = torch.empty(1, heads, 16, size, dtype=torch.bfloat16, requires_grad=True)
        key = torch.empty(1, kv_heads, 16, size, dtype=torch.bfloat16, requires_grad=True)
        value = torch.empty(1, kv_heads, 16, value_size, dtype=torch.bfloat16, requires_grad=True)
        rows = None if bounds is None else RowBounds.of(bounds, "cpu")
        output, _ = _attend(module, query, key, value, None, row_bounds=rows, scaling=0.1)
        output.sum().backward()
        assert output.shape == (1, 16, heads, value_size)
        assert (query.grad.shape, key.grad.shape, value.grad.shape) == (query.shape, key.shape, value.shape)
        if kv_heads == heads:
            called = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            assert called.shape == (1, heads, 16, value_size)


def test_a_boolean_mask_becomes_an_additive_one_in_the_queries_dtype():
    """torch's function does so before it calls a kernel, in every call (aten/.../transformers/attention.cpp)."""
    with FakeTensorMode(), cuda_attention(), StorageTracker() as tracker:
        query, key, value = (torch.empty(2, 4, 16, 64, dtype=torch.bfloat16, requires_grad=True) for _ in range(3))
        mask = torch.empty(1, 1, 16, 16, dtype=torch.bool)
        before = tracker.live_bytes
        output = functional.scaled_dot_product_attention(query, key, value, mask.expand(2, 1, 16, 16))
        # The output, an fp32 log-sum of each head and row, two seeds, and a square for each row.
        assert tracker.live_bytes - before == output.numel() * 2 + 4 * 2 * 4 * 32 + 2 * 8 + 2 * 2 * 16 * 16


def test_scores_are_fp32_also_under_autocast():
    """autocast casts the inputs of torch's function, and what that computes runs without it."""
    with FakeTensorMode(), cuda_attention(), StorageTracker() as tracker, torch.autocast("cpu", torch.bfloat16):
        query = torch.empty(2, 4, 256, 64, requires_grad=True)
        key, value = (torch.empty(2, 1, 256, 64, requires_grad=True) for _ in range(2))
        before = tracker.live_bytes
        output = functional.scaled_dot_product_attention(query, key, value)
        assert output.dtype is torch.bfloat16
        # The probabilities, and queries, keys and values of every head.
        assert tracker.live_bytes - before >= 2 * (4 * 4 * 256 * 256 + 3 * 4 * 4 * 256 * 64)
