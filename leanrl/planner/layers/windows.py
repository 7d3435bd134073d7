"""Bytes that sliding windows take: the mask that the engine makes, and what attention keeps and writes because of it.

A mask makes attention leave its flash kernel for one that takes masks and shares no key-value heads. Which other
kernel a card may take instead, and what that one keeps, is not counted.
"""

from leanrl.planner.layers.eager import eager_mask_bytes, is_eager
from leanrl.planner.layers.own_attention import is_own, keeps_own_mask, own_mask_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

# Mirrors leanrl.simulate.attention: beyond it the gradients of keys and values are summed in fp32.
_WIDEST_HEAD_IN_REGISTERS = 128
# The widest head that flash attention knows (leanrl.engine.attention.packed).
WIDEST_FLASH_HEAD = 256


def is_masked(shape: ModelShape, workload: Workload) -> bool:
    """Whether the longest row reaches the window of any layer; attention that sees to it itself needs no mask.

    Flash attention, eager and that of packed rows do.
    """
    window = shape.sliding_window
    reaches = window is not None and shape.num_sliding_layers > 0 and workload.row_tokens >= window
    return reaches and workload.attention == "sdpa" and not workload.packs_rows


def leaves_flash(shape: ModelShape, workload: Workload) -> bool:
    """Whether attention takes the kernel that shares no key-value heads: for its mask, or for heads too wide."""
    return is_masked(shape, workload) or (shape.head_dim > WIDEST_FLASH_HEAD and workload.attention == "sdpa")


def mask_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the mask: one square for all rows and layers, from the forward pass to the end of the backward pass."""
    if is_eager(workload):
        return eager_mask_bytes(shape, workload)
    if is_own(shape, workload):
        return own_mask_bytes(shape, workload)
    return workload.compute_bytes * workload.row_tokens**2 if is_masked(shape, workload) else 0


def mask_in_training_bytes(shape: ModelShape, workload: Workload) -> int:
    """The same where layers have gradients: one that nothing needs is gone when the backward pass begins."""
    is_gone = is_own(shape, workload) and not keeps_own_mask(shape, workload)
    return 0 if is_gone else mask_bytes(shape, workload)


def repeated_heads_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes a token that a layer with a mask keeps beyond one without: keys and values for every query head.

    A single key-value head is repeated by a view, and as many as query heads are not repeated.
    """
    if shape.num_kv_heads in (1, shape.num_heads):
        return 0
    return 2 * workload.compute_bytes * (shape.query - (0 if shape.borrows_kv else shape.key_value))


def masked_backward_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most bytes a token that attention's backward pass adds with a mask.

    Gradients of queries, keys and values for every query head, with an fp32 sum of the first, of all three for wide
    heads, and one of each row.
    """
    is_wide = shape.head_dim > _WIDEST_HEAD_IN_REGISTERS and workload.compute_bytes == 2
    sums = 4 * shape.query * (3 if is_wide else 1) + 4 * shape.num_heads
    # Rows of a pack that flash attention does not take attend one after the other: of those that are done the gradients
    # of queries, keys and values are left.
    rows = workload.micro_batch_completions if workload.packs_rows else 1
    at_work = 2 * workload.compute_bytes * shape.query + sums
    done = 2 * workload.compute_bytes * shape.key_value * (rows - 1)
    return 2 * workload.compute_bytes * shape.query + (at_work + done) // rows
