"""Bytes of attention that writes out its scores, as transformers' eager functions do, with or without a cap on them.

The softmax runs in fp32 and its result is copied to the dtype of the values. A cap keeps its hyperbolic tangent. Keys
and values are repeated for every query head. A row has as many scores as heads times pairs of its tokens; its numbers
are counted for each of its tokens.
"""

from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def is_eager(workload: Workload) -> bool:
    return workload.attention == "eager"


def eager_bytes(shape: ModelShape, workload: Workload) -> int:
    """What it keeps: queries, repeated keys and values, and of each score what softmax, cap and product need."""
    e = workload.compute_bytes
    of_a_score = 4 + _copy(e) + e * shape.caps_attention
    return 3 * e * shape.query + of_a_score * _scores(shape, workload.row_tokens)


def eager_work_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most that it adds: two fp32 gradients of the scores, when the copy of the probabilities is gone."""
    return (8 - _copy(workload.compute_bytes)) * _scores(shape, workload.row_tokens)


def eager_forward_bytes(shape: ModelShape, workload: Workload, *, row_tokens: int) -> int:
    """The most of a forward pass without gradients: scores, a copy of them in fp32, and their softmax.

    A mask in fp32, the dtype of the stream, makes fp32 of the scores themselves; so do cosines of queries and keys.
    """
    e = workload.compute_bytes
    of_a_score, rotated = (8, 4) if workload.is_autocast else (8 + _copy(e), e)
    heads = (2 * rotated + e) * shape.query + (rotated + e) * shape.key_value
    return heads + of_a_score * _scores(shape, row_tokens)


def eager_mask_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the masks that transformers makes of each row: for layers with a window, and for those without.

    Their numbers are those of the stream.
    """
    kinds = 1 + (0 < shape.num_sliding_layers < shape.num_layers)
    number = 4 if workload.is_autocast else workload.compute_bytes
    return kinds * number * workload.micro_batch_completions * workload.row_tokens**2


def _copy(e: int) -> int:
    return e if e < 4 else 0


def _scores(shape: ModelShape, row_tokens: int) -> int:
    return shape.num_heads * row_tokens
