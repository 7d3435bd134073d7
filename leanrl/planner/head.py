"""Bytes of the language-model head: the largest tensors of a step wherever it is not tiled."""

from leanrl.planner.shapes import ModelShape
from leanrl.planner.workload import Workload

# Mirrors leanrl.algorithms.logprobs.TILE_TOKENS (a test compares them): this room imports no torch.
TILE_TOKENS = 512

# A tile over the vocabulary too: 1024 tokens and 8192 words.
_SMALL_TILE_LOGITS = 1024 * 8192

# Bytes a logit of a tile costs in `token_logprobs`: logits in bf16 and fp32, divided, shifted, exponentiated, and
# what the tile before still holds. A test compares them with the CPU allocator's events.
_FORWARD_BYTES_PER_LOGIT = 14
_BACKWARD_BYTES_PER_LOGIT = 20
# The same while the weight's gradient of a tile is added up: logits, their gradient, and that in bf16.
_ADDING_BYTES_PER_LOGIT = 10


def head_forward_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """Bytes of scoring `tokens` without gradients."""
    if workload.head == "vocab_tiled":
        return _FORWARD_BYTES_PER_LOGIT * _SMALL_TILE_LOGITS
    tile = min(TILE_TOKENS, tokens)
    return _FORWARD_BYTES_PER_LOGIT * tile * shape.vocab + _cast_head_bytes(shape, workload)


def head_backward_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most bytes the head adds in the backward pass of a micro-batch."""
    scored = workload.micro_batch_scored_tokens
    if workload.head == "tiled":
        return _tiled_backward_bytes(shape, workload, scored)
    if workload.head == "vocab_tiled":
        # The weight's gradient is added straight into the gradient that exists anyway.
        return _BACKWARD_BYTES_PER_LOGIT * _SMALL_TILE_LOGITS + workload.compute_bytes * shape.hidden * scored
    if workload.head == "naive_fp32":
        return 4 * 4 * scored * shape.vocab
    # bf16 logits, their log-softmax row by row, and the gradient.
    rows = workload.micro_batch_completions
    return max(2 * rows, rows + 2) * workload.completion_tokens * shape.vocab * 2


def _tiled_backward_bytes(shape: ModelShape, workload: Workload, scored: int) -> int:
    tile_logits = min(TILE_TOKENS, scored) * shape.vocab
    hidden_gradient = workload.compute_bytes * shape.hidden * scored
    table = shape.embedding_params
    fixed = _cast_head_bytes(shape, workload) + hidden_gradient
    if workload.method != "full":
        return fixed + _BACKWARD_BYTES_PER_LOGIT * tile_logits
    tile_gradient = (workload.compute_bytes + 4) * table
    in_tile = max(_BACKWARD_BYTES_PER_LOGIT * tile_logits, _ADDING_BYTES_PER_LOGIT * tile_logits + tile_gradient)
    at_end = workload.compute_bytes * table
    return fixed + 4 * table + max(in_tile, at_end)


def _cast_head_bytes(shape: ModelShape, workload: Workload) -> int:
    """An fp32 head is cast once a pass; under FSDP2 it arrives in bf16."""
    return workload.compute_bytes * shape.embedding_params if workload.is_autocast else 0
