"""Bytes of attention that a layer computes itself (`models.own_attention`): torch's kernels with a mask of the model's.

A boolean mask becomes an additive one in every layer, a square for each row. The kernels for masks share no key-value
heads: a layer repeats them itself, or torch multiplies out in fp32, with all scores. Squares and scores of a row are
counted for each of its tokens.
"""

from leanrl.planner.layers.norms import norm_output_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def is_own(shape: ModelShape, workload: Workload) -> bool:
    """Whether attention is a layer's own; the eager one writes out its scores as others do."""
    return shape.own_attention is not None and workload.attention != "eager"


def is_multiplied_out(shape: ModelShape, workload: Workload) -> bool:
    """Whether query heads share key-value heads that the layer does not repeat, for which no kernel is there."""
    own = shape.own_attention
    return own is not None and is_own(shape, workload) and not own.repeats_heads and shape.key_value < shape.query


def own_mask_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the model's mask, from the forward pass to the end of the backward pass.

    A boolean square serves all rows. With alibi there is a square of numbers of the stream for each row and head.
    """
    square, rows = workload.row_tokens**2, workload.micro_batch_completions
    return _alibi_number(workload) * shape.num_heads * rows * square if _has_alibi(shape) else square


def keeps_own_mask(shape: ModelShape, workload: Workload) -> bool:
    """Whether the model's mask outlives the forward pass: a layer that runs again takes it, and so may the kernel."""
    is_the_kernels = not (is_multiplied_out(shape, workload) or _makes_a_mask(shape, workload))
    return workload.activations != "kept" or is_the_kernels


def own_bytes(shape: ModelShape, workload: Workload) -> int:
    """What it keeps: queries, keys, values, the output, each row's log-sum, and the kernel's mask.

    Multiplied out: fp32 queries, keys and values for every query head, and the probabilities.
    """
    e, query = workload.compute_bytes, shape.query
    if is_multiplied_out(shape, workload):
        return 4 * 3 * query + 4 * _scores(shape, workload.row_tokens)
    if _repeats_heads(shape):
        numbers = 3 * query + _repeated_values(shape)
    else:
        # Values are a view into the fused projection, which stays with them.
        numbers = 6 * query if shape.rotated_share else 4 * query
    return e * numbers + 4 * shape.num_heads + _kernel_mask_bytes(shape, workload, row_tokens=workload.row_tokens)


def multiplied_backward_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most that it adds where it is multiplied out: two fp32 gradients of the scores.

    By then the gradient of the values is summed over heads, and the values are gone.
    """
    return 8 * _scores(shape, workload.row_tokens) + 4 * shape.key_value - 4 * shape.query


def own_forward_bytes(shape: ModelShape, workload: Workload, *, row_tokens: int) -> int:
    """The most of a forward pass without gradients: the fused projection, the heads' tensors, mask and scores.

    It is counted beside what an MLP has: attention's result is not there yet, results of both norms of a pair may be.
    """
    e, query, key_value = workload.compute_bytes, shape.query, shape.key_value
    beside = norm_output_bytes(shape, workload) * (shape.norms == "parallel_pair" and shape.terms.norms_first) - e
    held = e * (query + 2 * key_value) + beside * shape.hidden
    mask = _kernel_mask_bytes(shape, workload, row_tokens=row_tokens)
    if is_multiplied_out(shape, workload):
        return held + mask + (e + 4) * (query + key_value) + 4 * key_value + 8 * _scores(shape, row_tokens)
    if _repeats_heads(shape):
        return held + mask + e * (3 * query + _repeated_values(shape))
    return held + mask + e * query * (3 if shape.rotated_share else 1)


def _kernel_mask_bytes(shape: ModelShape, workload: Workload, *, row_tokens: int) -> int:
    """The mask that a kernel takes, where it is not the model's own."""
    if not _makes_a_mask(shape, workload):
        return 0
    return workload.compute_bytes * (_scores(shape, row_tokens) if _has_alibi(shape) else row_tokens)


def _makes_a_mask(shape: ModelShape, workload: Workload) -> bool:
    """Whether each layer makes one: of booleans, or by autocast."""
    return not _has_alibi(shape) or _alibi_number(workload) != workload.compute_bytes


def _alibi_number(workload: Workload) -> int:
    """Size of a number of the stream, which is that of alibi."""
    return 4 if workload.is_autocast else workload.compute_bytes


def _has_alibi(shape: ModelShape) -> bool:
    return shape.own_attention is not None and shape.own_attention.has_alibi


def _repeats_heads(shape: ModelShape) -> bool:
    return shape.own_attention is not None and shape.own_attention.repeats_heads


def _repeated_values(shape: ModelShape) -> int:
    """Width of the values that a layer has repeated; a single head is repeated by a view."""
    return shape.query if shape.num_kv_heads > 1 else shape.key_value


def _scores(shape: ModelShape, row_tokens: int) -> int:
    return shape.num_heads * row_tokens
