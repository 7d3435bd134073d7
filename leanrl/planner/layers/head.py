"""Bytes of the language-model head: the largest tensors of a step wherever it is not tiled."""

from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

# Mirror leanrl.algorithms.logprobs (a test compares them): this room imports no torch.
TILE_TOKENS = 1024
TILE_VOCABULARY = 8192

# Bytes a logit of a tile costs in `token_logprobs`. Forward: its fp32 value, and the exponential. Backward: its value
# in the compute dtype and in fp32, then their gradient in place. A test compares them with the CPU allocator's events.
_FORWARD_BYTES_PER_LOGIT = 8
# fp32 sums of every scored token while the vocabulary passes: highest, total, weighted, target, and two on their way.
_SUM_BYTES_PER_TOKEN = 24


def head_forward_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """Bytes of scoring `tokens` without gradients."""
    logits = min(TILE_TOKENS, tokens) * min(TILE_VOCABULARY, shape.vocab)
    return _FORWARD_BYTES_PER_LOGIT * logits + _SUM_BYTES_PER_TOKEN * tokens + _cast_tile_bytes(shape, workload)


def head_backward_bytes(shape: ModelShape, workload: Workload, *, tokens: int | None = None) -> int:
    """The most bytes the head adds in a backward pass that scores so many tokens, by default a micro-batch's."""
    scored = workload.micro_batch_scored_tokens if tokens is None else tokens
    if workload.head == "tiled":
        return _tiled_backward_bytes(shape, workload, scored)
    if workload.head == "naive_fp32":
        return 4 * 4 * scored * shape.vocab
    # bf16 logits, their log-softmax row by row, and the gradient.
    rows = workload.micro_batch_completions
    return max(2 * rows, rows + 2) * workload.completion_tokens * shape.vocab * 2


def _tiled_backward_bytes(shape: ModelShape, workload: Workload, scored: int) -> int:
    """The gradient of a trained head is added to the one that exists anyway, a vocabulary tile at a time."""
    tokens, entries = min(TILE_TOKENS, scored), min(TILE_VOCABULARY, shape.vocab)
    compute = workload.compute_bytes
    cast_bytes = compute if compute < 4 else 0  # sums are fp32, so fp32 needs no second copy of anything
    is_trained = workload.method == "full"
    tile_gradient = 4 * entries * shape.hidden if is_trained else 0
    in_tile = (4 + cast_bytes) * tokens * entries
    if workload.on_cpu and cast_bytes:
        in_tile += 4 * (max(entries, tokens) if is_trained else entries) * shape.hidden
    hidden_gradient = 4 * scored * shape.hidden
    at_end = cast_bytes * scored * shape.hidden
    return hidden_gradient + max(in_tile + tile_gradient + _cast_tile_bytes(shape, workload), at_end)


def _cast_tile_bytes(shape: ModelShape, workload: Workload) -> int:
    """An fp32 head is cast a vocabulary tile at a time; under FSDP2 it arrives in bf16."""
    entries = min(TILE_VOCABULARY, shape.vocab)
    return workload.compute_bytes * entries * shape.hidden if workload.is_autocast else 0
