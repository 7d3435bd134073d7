"""What attention, or what stands in its place, keeps and makes, in bytes of a token."""

import math

from leanrl.planner.layers.eager import eager_bytes, eager_forward_bytes, eager_work_bytes, is_eager
from leanrl.planner.layers.linear_inputs import adapter_products, linear_inputs, output_copy_bytes
from leanrl.planner.layers.mlp import cast_gradients_bytes, waiting_bytes
from leanrl.planner.layers.norms import (
    NORM_BACKWARD,
    held_results_bytes,
    norms_again_bytes,
    query_norms_bytes,
    residual_bytes_per_number,
)
from leanrl.planner.layers.own_attention import (
    is_multiplied_out,
    is_own,
    multiplied_backward_bytes,
    own_bytes,
    own_forward_bytes,
)
from leanrl.planner.layers.windows import leaves_flash, masked_backward_bytes, repeated_heads_bytes
from leanrl.planner.models.mixers import Mixer
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def mixing_bytes(shape: ModelShape, workload: Workload) -> int:
    """What attention, or the mixer in its place, keeps beside the inputs of its linear layers."""
    if shape.mixer is None:
        return _attention(shape, workload)
    kept = shape.mixer.kept_bytes(workload.compute_bytes, trains_all=workload.method == "full")
    return _in_padded_rows(kept, shape.mixer, workload)


def _in_padded_rows(num_bytes: int, mixer: Mixer, workload: Workload) -> int:
    """Bytes of a token that a mixer takes, where it pads each row."""
    padded = math.ceil(workload.row_tokens / mixer.chunk_tokens) * mixer.chunk_tokens
    return math.ceil(num_bytes * padded / workload.row_tokens)


def _attention(shape: ModelShape, workload: Workload) -> int:
    """Rotated queries and keys, values, the output, its gate, and flash attention's fp32 log-sum of each head.

    Keys and values that a layer borrows are its lender's.
    """
    if is_eager(workload):
        return eager_bytes(shape, workload)
    if is_own(shape, workload):
        return own_bytes(shape, workload)
    numbers = 2 * shape.query + 2 * shape.key_value
    if shape.borrows_kv:
        # A borrower makes a copy of keys that are finer than what it computes.
        numbers -= shape.key_value * (1 if workload.is_autocast else 2)
    if shape.terms.qkv_name and shape.rotated_share:
        # The values are a view into the fused projection, all of which stays with them.
        numbers += shape.query + shape.key_value
    if shape.terms.gates_attention:
        numbers += shape.query
    return workload.compute_bytes * numbers + 4 * shape.num_heads


def mixing_work_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most that attention, or the mixer in its place, adds for a token."""
    if shape.mixer is None:
        return _attention_temporary(shape, workload)
    return _in_padded_rows(shape.mixer.work_bytes(workload.compute_bytes), shape.mixer, workload)


def mixing_forward_bytes(shape: ModelShape, workload: Workload, *, row_tokens: int) -> int:
    """The most of a forward pass without gradients, where it may be more than an MLP takes."""
    if shape.mixer is not None:
        return _in_padded_rows(shape.mixer.forward_bytes(workload.compute_bytes), shape.mixer, workload)
    if is_eager(workload):
        return eager_forward_bytes(shape, workload, row_tokens=row_tokens)
    return own_forward_bytes(shape, workload, row_tokens=row_tokens) if is_own(shape, workload) else 0


def _attention_temporary(shape: ModelShape, workload: Workload) -> int:
    """The most that attention adds for a token, which is in its backward pass.

    CUDA's backward pass sums the queries' gradient in fp32, and where heads share keys and values it writes their
    gradients for every query head first. What o_proj has kept is gone by then.
    """
    if is_eager(workload):
        return eager_work_bytes(shape, workload) - linear_inputs(shape, workload, [(shape.terms.output_name,)])
    e, query, key_value = workload.compute_bytes, shape.query, shape.key_value
    expanded = 2 * e * query if query != key_value else 0
    backward = e * (2 * query + 2 * key_value) + 4 * query + expanded
    if is_multiplied_out(shape, workload):
        backward = multiplied_backward_bytes(shape, workload)
    elif is_own(shape, workload):
        backward = masked_backward_bytes(shape, workload)
    elif leaves_flash(shape, workload):
        backward = max(backward, masked_backward_bytes(shape, workload))
    return backward - linear_inputs(shape, workload, [(shape.terms.output_name,)])


def query_norm_backward(shape: ModelShape, workload: Workload) -> int:
    """All that a token of the layer has in the backward pass of the norm over queries, beside the stream's gradient.

    The inputs of the queries' layer, the norm's own, what comes and goes, and the gradient that came to the inputs from
    keys and values. Layers that are kept count with all that they keep.
    """
    if shape.terms.query_norm == "none" or shape.mixer is not None or workload.activations == "kept":
        return 0
    inputs = shape.mixing_readers[:1]
    kept = linear_inputs(shape, workload, inputs) + adapter_products(workload, inputs)
    of_keys = workload.compute_bytes * shape.hidden * (not shape.borrows_kv)
    return kept + (4 + NORM_BACKWARD) * shape.query + of_keys


def attention_again_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most that a token has while attention of a recomputed layer runs again; in tiles the layer ends there.

    Gradients wait, of the layer's result and of the MLP's; the norms' results are held. An adapted linear layer makes
    three tensors of its width: the widest of the first ones, or the last one beside all that attention keeps. Or the
    queries are turned, which makes three more of their width.
    """
    if shape.mixer is not None or workload.activations == "kept":
        return 0
    e, inputs, readers = workload.compute_bytes, shape.mixing_readers[:1], shape.mixing_readers
    widths = {name: shape.layer_linears[name][1] for name in inputs[0]}
    projecting = max(3 * e * width * workload.adapts(name) for name, width in widths.items())
    turning = e * sum(widths.values()) + 3 * _turned_number(shape, workload) * int(shape.rotated_share * shape.query)
    turning += 4 * (shape.query + shape.key_value) * shape.terms.rotates_in_fp32
    beginning = linear_inputs(shape, workload, inputs) + adapter_products(workload, inputs) + max(projecting, turning)
    results = 3 if workload.adapts(shape.terms.output_name) else 1
    ending = linear_inputs(shape, workload, readers) + adapter_products(workload, readers)
    ending += mixing_bytes(shape, workload) + _held_heads_bytes(shape, workload) + results * e * shape.hidden
    of_mlp = cast_gradients_bytes if workload.is_tiled else waiting_bytes
    waiting = residual_bytes_per_number(workload) * shape.hidden + of_mlp(shape, workload)
    norms = norms_again_bytes(shape, workload) + query_norms_bytes(shape, workload)
    held = waiting + norms + held_results_bytes(shape, workload)
    return held + max(beginning, ending)


def _turned_number(shape: ModelShape, workload: Workload) -> int:
    """Size of a number of heads that are turned: that of the cosines, which is the stream's, or fp32."""
    terms = shape.terms
    return 4 if terms.tables_in_fp32 or terms.rotates_in_fp32 else residual_bytes_per_number(workload)


def _held_heads_bytes(shape: ModelShape, workload: Workload) -> int:
    """Heads that attention's code holds until its end, and nothing keeps.

    Turned ones that are finer than what attends takes, and their parts; the fused projection that a layer has copied.
    """
    e, own = workload.compute_bytes, shape.own_attention
    is_repeated = own is not None and own.repeats_heads
    heads = shape.query + (shape.query if is_repeated else shape.key_value)
    returns_fp32 = not (shape.terms.tables_in_fp32 or shape.terms.rotates_in_fp32)
    is_finer = residual_bytes_per_number(workload) > e and returns_fp32 and shape.rotated_share > 0
    held = 4 * heads * is_finer
    if shape.terms.holds_parts:
        held += e * heads + int(_turned_number(shape, workload) * shape.rotated_share * heads)
    if is_repeated or is_multiplied_out(shape, workload):
        held += e * (shape.query + 2 * shape.key_value)
    return held


def window_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes a token that a layer with a window keeps besides, where rows reach it.

    The kernel for masks writes its output as o_proj reads it, so that o_proj keeps no copy of its own.
    """
    if not leaves_flash(shape, workload):
        return 0
    copied = 0
    if workload.packs_rows and workload.micro_batch_completions > 1:
        # What rows of a pack give one after the other is put together again.
        copied = (
            workload.compute_bytes
            * shape.query
            * (workload.method == "full" or workload.adapts(shape.terms.output_name))
        )
    return repeated_heads_bytes(shape, workload) - output_copy_bytes(shape, workload) + copied
