"""Bytes of sliding windows, worked by hand."""

from dataclasses import replace

import pytest

from leanrl.planner.layers.activations import kept_bytes, layer_bytes_per_token, layer_peak_bytes
from leanrl.planner.layers.windows import is_masked, mask_bytes, masked_backward_bytes, repeated_heads_bytes
from leanrl.planner.models.known_models import find_shape
from leanrl.planner.phases import train_phases
from leanrl.planner.workload import Workload

# 4 heads and 1 key-value head of 256: queries are 1024 wide, keys 256; 22 of 26 layers have a window of 512.
GEMMA = find_shape("google/gemma-3-1b-it")
SHARED = replace(GEMMA, num_kv_heads=2)
LONG = Workload(prompt_tokens=512, completion_tokens=3584, micro_batch_completions=4)
SHORT = replace(LONG, prompt_tokens=100, completion_tokens=411)


def test_the_mask_is_one_square_for_all_rows():
    """4096 x 4096 numbers of 2 bytes, whether one row or four; 4 bytes in fp32."""
    assert mask_bytes(GEMMA, LONG) == 4096 * 4096 * 2
    assert mask_bytes(GEMMA, replace(LONG, micro_batch_completions=1)) == 4096 * 4096 * 2
    assert mask_bytes(GEMMA, replace(LONG, compute_bytes=4)) == 4096 * 4096 * 4


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"prompt_tokens": 100, "completion_tokens": 412}, True),  # 512 tokens, as long as the window
        ({"prompt_tokens": 100, "completion_tokens": 411}, False),
        ({"attention": "flash_attention_2"}, False),
        ({"attention": "eager"}, False),
        ({"packs_rows": True}, False),
    ],
)
def test_where_there_is_one(changes, expected):
    assert is_masked(GEMMA, replace(LONG, **changes)) is expected


def test_a_model_without_windows_has_none():
    assert mask_bytes(find_shape("Qwen/Qwen2.5-0.5B"), LONG) == 0
    assert mask_bytes(replace(GEMMA, num_sliding_layers=0), LONG) == 0


def test_keys_and_values_are_repeated_for_every_query_head():
    """With two key-value heads two tensors of 1024 - 512 numbers more, 2 bytes each; a single one is a view."""
    assert repeated_heads_bytes(SHARED, LONG) == 2 * 2 * (1024 - 512)
    assert repeated_heads_bytes(replace(GEMMA, num_kv_heads=4), LONG) == 0
    assert repeated_heads_bytes(GEMMA, LONG) == 0


def test_the_backward_pass_of_wide_heads_sums_all_three_gradients_in_fp32():
    """Three gradients and that of the output in bf16, sums of 4 bytes, and one of each of the four heads."""
    assert masked_backward_bytes(GEMMA, LONG) == 4 * 2 * 1024 + 3 * 4 * 1024 + 4 * 4
    narrow = replace(GEMMA, head_dim=128)
    assert masked_backward_bytes(narrow, LONG) == 4 * 2 * 512 + 4 * 512 + 4 * 4


def test_layers_with_a_window_keep_more_only_where_rows_reach_it():
    """16,384 tokens; without checkpointing 22 layers keep 2,048 bytes a token more, with it the one at work does."""
    kept = replace(LONG, activations="kept")
    each = layer_bytes_per_token(SHARED, kept)
    assert kept_bytes(SHARED, kept) == 16_384 * (26 * each + 22 * 2048)
    without = replace(SHARED, sliding_window=None, num_sliding_layers=0)
    assert layer_peak_bytes(SHARED, LONG) - layer_peak_bytes(without, LONG) == 16_384 * 2048
    assert layer_peak_bytes(SHARED, SHORT) == layer_peak_bytes(without, SHORT)


def test_the_phases_have_it():
    workload = replace(LONG, reference="gpu")
    phases = {phase.name: phase.components for phase in train_phases(GEMMA, workload, kv_bytes=0)}
    assert [name for name, parts in phases.items() if "attention mask" in parts] == ["reference", "forward_backward"]
    assert phases["forward_backward"]["attention mask"] == 4096 * 4096 * 2
    assert phases["reference"]["attention mask"] == 4096 * 4096 * 2
