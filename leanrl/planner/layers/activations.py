"""Bytes of activations in one micro-batch: what the backward pass keeps, and the most that exists while it works.

Where layers differ in kind, each kind is counted as if it were alone (`ModelShape.layer_kinds`).

Counted tensor by tensor from transformers' decoder layer with flash attention and no mask (rows are padded on
the right), per token; `e` is the size of a computed number (2 in bf16) and `s` that of the residual stream.
For a bf16 Qwen2 that is trained whole, a kept layer is 8I + 20h + 4kv + 4nh + 8 bytes a token and the peak of its
backward pass 12I + 22h + 4kv + 4nh + 16 (I intermediate, h hidden, kv key-value width, nh heads).
"""

from dataclasses import replace

from leanrl.planner.layers.eager import is_eager
from leanrl.planner.layers.layer_inputs import (
    input_block_bytes,
    input_block_work_bytes,
    inputs_forward_bytes,
    waiting_inputs_bytes,
)
from leanrl.planner.layers.linear_inputs import adapter_products, linear_inputs
from leanrl.planner.layers.mixing import (
    attention_again_bytes,
    mixing_bytes,
    mixing_forward_bytes,
    mixing_work_bytes,
    query_norm_backward,
    window_bytes,
)
from leanrl.planner.layers.mlp import (
    cast_gradients_bytes,
    mlp_bytes,
    mlp_forward_bytes,
    mlp_module_bytes,
    mlp_tile_bytes,
    mlp_work_bytes,
    work_with_norm_behind_bytes,
)
from leanrl.planner.layers.norms import (
    NORM_BACKWARD,
    norm_bytes,
    norm_output_bytes,
    normalised_bytes,
    norms_bytes,
    query_norms_bytes,
    residual_bytes_per_number,
)
from leanrl.planner.layers.own_attention import is_own
from leanrl.planner.layers.shared_kv import left_bytes, lent_bytes, waiting_kv_bytes
from leanrl.planner.layers.windows import WIDEST_FLASH_HEAD, is_masked
from leanrl.planner.memory.weights import frozen_cast_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def kept_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes that stay from the forward pass until the backward pass comes to them; of layers that keep alike."""
    tokens = workload.micro_batch_tokens
    layer_input = residual_bytes_per_number(workload) * shape.hidden * tokens
    if workload.activations == "kept":
        kinds = shape.layer_kinds
        kept = sum(kind.num_layers * layer_bytes_per_token(kind, workload) for kind in kinds)
        kept += sum(_num_off_flash(kind, workload) * window_bytes(kind, workload) for kind in kinds)
        return kept * tokens + _kept_casts(shape, workload)
    # Offloaded checkpoints leave two on the card: the one in use and the one on its way.
    return layer_input * min(2 if workload.activations == "offloaded" else shape.num_layers, shape.num_layers)


def layer_peak_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most bytes that one layer adds to `kept_bytes` in its recomputation and backward pass.

    Where some layers have a window, it is one of those. When a kind's last layer works, those behind it keep nothing.
    """
    if shape.layers:
        return _peak_of_unlike_layers(shape, workload)
    kinds = shape.layer_kinds
    if len(kinds) == 1:
        return _peak_of_a_kind(shape, workload)
    attending, mixing = kinds
    behind_attention, behind_mixing = shape.layers_behind
    return max(
        _peak_of_a_kind(attending, workload) - behind_attention * largest_kept_bytes(mixing, workload),
        _peak_of_a_kind(mixing, workload) - behind_mixing * largest_kept_bytes(attending, workload),
    )


def largest_kept_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of `kept_bytes` that are of the layer that keeps most; of offloaded ones none is the last to go."""
    tokens = workload.micro_batch_tokens
    if workload.activations == "kept":
        return max(layer_bytes_per_token(kind, workload) for kind in shape.layer_kinds) * tokens
    return 0 if workload.activations == "offloaded" else residual_bytes_per_number(workload) * shape.hidden * tokens


def _num_off_flash(kind: ModelShape, workload: Workload) -> int:
    """Layers whose attention leaves its flash kernel: those with a window that rows reach, or all of wide heads."""
    return kind.num_sliding_layers if is_masked(kind, workload) else kind.num_layers


def _peak_of_unlike_layers(shape: ModelShape, workload: Workload) -> int:
    """The same of layers that differ in size, in the order of the backward pass.

    When one works, those behind it keep nothing, but for what a lender leaves. What its gradients add to waits: for
    inputs of all layers, and for keys and values that layers have borrowed.
    """
    kinds = dict(zip(dict.fromkeys(shape.layers), shape.layer_kinds, strict=True))
    peaks = {sizes: _peak_of_a_kind(kind, workload) for sizes, kind in kinds.items()}
    waiting = waiting_inputs_bytes(shape, workload) + waiting_kv_bytes(shape, workload)
    stays = _lent_twice_bytes(shape, workload)
    largest, num_done = 0, shape.num_behind
    for sizes in reversed(shape.layers):
        lent = lent_bytes(replace(shape, layers=(sizes,)), workload) * workload.micro_batch_tokens
        runs_again = workload.activations != "kept"
        waits = waiting * workload.micro_batch_tokens if num_done else 0
        largest = max(largest, peaks[sizes] + waits + stays - lent * runs_again)
        stays -= largest_kept_bytes(kinds[sizes], workload)
        if sizes.lends_kv:
            stays += left_bytes(kinds[sizes], workload) - lent if runs_again else lent * (shape.num_below > 0)
        num_done += 1
    return largest


def _lent_twice_bytes(shape: ModelShape, workload: Workload) -> int:
    """Less than nothing: what is lent by layers that keep it themselves, beside others that run again."""
    if workload.activations != "kept" or not shape.num_below:
        return 0
    return -lent_bytes(shape, workload) * workload.micro_batch_tokens


def _peak_of_a_kind(shape: ModelShape, workload: Workload) -> int:
    casts = 0 if workload.activations == "kept" else _frozen_casts(shape, workload)
    return casts + _activation_peak(shape, workload)


def _kept_casts(shape: ModelShape, workload: Workload) -> int:
    """Casts of all layers while the last MLP works, which has let go of that of down_proj; tiles make their own."""
    kinds, down = shape.layer_kinds, shape.mlp_readers[1:]
    casts = sum(kind.num_layers * _frozen_casts(kind, workload) for kind in kinds)
    if workload.is_tiled:
        return casts
    of_down = [(kind.num_layers, frozen_cast_bytes(kind, workload, down)) for kind in kinds]
    return casts + sum(count * size for count, size in of_down) - of_down[0][1]


def _frozen_casts(shape: ModelShape, workload: Workload) -> int:
    """Casts that a layer has while its MLP works: that of down_proj's weight is gone, and tiles make their own."""
    layers = shape.mixing_readers if workload.is_tiled else [*shape.mixing_readers, *shape.mlp_readers[:1]]
    return frozen_cast_bytes(shape, workload, layers)


def _activation_peak(shape: ModelShape, workload: Workload) -> int:
    tokens = workload.micro_batch_tokens
    recomputed = layer_bytes_per_token(shape, workload) + window_bytes(shape, workload)
    saved = 0 if workload.activations == "kept" else recomputed * tokens
    stream = residual_bytes_per_number(workload) * shape.hidden
    token_ids = 8
    block = input_block_bytes(shape, workload) * tokens
    of_block = (input_block_work_bytes(shape, workload) + stream) * tokens if shape.inputs else 0
    if workload.is_tiled:
        # The gradient of the tiled module's input is written beside that of its output, and what waits with that.
        mlp_input = norm_output_bytes(shape, workload) * shape.hidden
        mlp = (stream + mlp_input + cast_gradients_bytes(shape, workload)) * tokens + mlp_tile_bytes(shape, workload)
        mlp += frozen_cast_bytes(shape, workload, shape.mlp_readers)
        # Attention works before the second norm and the MLP have kept their inputs, or after they let go of them. In a
        # parallel block the MLP's input is its own, and the MLP's gradient for that waits.
        # With a norm of its own it lets go of that, and the gradient waits in the stream's.
        # Without a norm before it, attention's gradient waits for the one that went past it.
        besides = {"parallel": stream, "parallel_pair": stream - mlp_input, "behind": 0}
        beside = stream if shape.waits_for_attention else besides.get(shape.norms, -mlp_input)
        # What the norms behind attention and MLP have kept is gone by then.
        beside -= workload.compute_bytes * shape.norms_behind * shape.hidden
        mixing = (mixing_work_bytes(shape, workload) + beside) * tokens
        query_norm = (stream + query_norm_backward(shape, workload)) * tokens
        again = attention_again_bytes(shape, workload) * tokens
        at_work = [saved - block + max(mlp, mixing), saved + of_block, query_norm, again]
        return token_ids * tokens + max(at_work)
    if shape.norms_behind:
        work = work_with_norm_behind_bytes(shape, workload)
    else:
        work = mlp_work_bytes(shape, workload, tokens=tokens)
    is_apart = is_eager(workload) or is_own(shape, workload) or shape.head_dim > WIDEST_FLASH_HEAD
    if shape.mixer is not None or is_apart:
        # It works before the norms behind it and the MLP have kept anything, or after they let go of it.
        num_norms = shape.norms_per_layer - (shape.norms != "behind")
        mlp = num_norms * norm_bytes(shape, workload) + mlp_module_bytes(shape, workload)
        if shape.waits_for_attention:
            # The norm of a parallel block's MLP is not done yet, and the gradient for its result waits.
            mlp -= num_norms * norm_bytes(shape, workload) + norm_output_bytes(shape, workload) * shape.hidden
        work = max(work, (mixing_work_bytes(shape, workload) - mlp) * tokens)
    again = attention_again_bytes(shape, workload) * tokens
    return token_ids * tokens + max(saved + max(of_block, stream * tokens + work - block), again)


def layer_bytes_per_token(shape: ModelShape, workload: Workload) -> int:
    """Bytes that autograd saves for one token in one layer whose attention has no mask."""
    if workload.is_tiled:
        return (
            _tile_inputs(shape, workload)
            + query_norms_bytes(shape, workload)
            + linear_inputs(shape, workload, shape.mixing_readers)
            + mixing_bytes(shape, workload)
            + adapter_products(workload, shape.mixing_readers)
            + input_block_bytes(shape, workload)
        )
    return (
        norms_bytes(shape, workload)
        + query_norms_bytes(shape, workload)
        + linear_inputs(shape, workload, _readers(shape))
        + mixing_bytes(shape, workload)
        + mlp_bytes(shape, workload)
        + adapter_products(workload, _readers(shape))
        + input_block_bytes(shape, workload)
    )


def final_norm_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes that the last norm keeps between the layers and the head; in tiles it keeps its input alone."""
    if workload.is_tiled:
        return residual_bytes_per_number(workload) * shape.hidden * workload.micro_batch_tokens
    return (4 * shape.hidden + normalised_bytes(shape, workload)) * workload.micro_batch_tokens


def final_norm_backward_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes at the peak of the last norm's backward pass: its fp32 input, and what comes and goes."""
    return 0 if workload.is_tiled else (4 + NORM_BACKWARD) * shape.hidden * workload.micro_batch_tokens


def scored_hidden_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the last hidden states, from which those that are scored are gathered."""
    return workload.compute_bytes * shape.hidden * (workload.micro_batch_tokens + workload.micro_batch_scored_tokens)


def forward_bytes(shape: ModelShape, workload: Workload, *, tokens: int, row_tokens: int) -> int:
    """Bytes of a forward pass without gradients over `tokens` in rows: an MLP at work, and four hidden tensors.

    One of them is the stream, and one a norm's result. Embeddings of tokens and positions are held beside their sum.
    What mixes tokens may make more than an MLP.
    """
    e = workload.compute_bytes
    hidden = 2 * e + residual_bytes_per_number(workload) + norm_output_bytes(shape, workload)
    hidden += 2 * e * (shape.num_positions > 0)
    most = max(
        max(
            mlp_forward_bytes(kind, workload, tokens=tokens),
            mixing_forward_bytes(kind, workload, row_tokens=row_tokens) * tokens,
        )
        for kind in (shape.layer_kinds if shape.layers else [shape])
    )
    of_inputs = residual_bytes_per_number(workload) * shape.inputs.all_widths * tokens if shape.inputs else 0
    in_layers = hidden * shape.hidden * tokens + most + of_inputs + lent_bytes(shape, workload) * tokens
    embedded = residual_bytes_per_number(workload) * shape.hidden
    return max(in_layers, (inputs_forward_bytes(shape, workload) + embedded) * tokens)


def position_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the cosines and sines that turn queries and keys: of a pack's tokens, or of one row's for all rows.

    Gemma 3 has a second pair where some layers have a window and others have none.
    """
    tokens = workload.micro_batch_tokens if workload.packs_rows else workload.row_tokens
    number = 4 if shape.terms.tables_in_fp32 else residual_bytes_per_number(workload)
    if shape.layers:
        # One pair for each kind of window, as wide as its heads.
        widths = {sizes.has_window: sizes.head_dim for sizes in shape.layers}
        return 2 * number * int(shape.rotated_share * sum(widths.values())) * tokens
    has_both_kinds = shape.terms.has_two_rotations and 0 < shape.num_sliding_layers < shape.num_layers
    tables = 4 if has_both_kinds else 2
    # A layer's own attention gets whole tables, also where alibi stands for them.
    rotated = shape.head_dim if shape.own_attention is not None else int(shape.rotated_share * shape.head_dim)
    return tables * number * rotated * tokens


def _tile_inputs(shape: ModelShape, workload: Workload) -> int:
    """What norms and MLP keep in tiles: their inputs. The first norm's, or attention's, is the layer's checkpoint.

    Norms behind attention and MLP have inputs of their own. Without a norm before it the MLP reads the stream.
    """
    streams = 2 if shape.norms in ("before", "both") else 1
    streams += workload.activations == "kept"
    outputs = workload.compute_bytes * shape.norms_behind
    of_mlp = norm_output_bytes(shape, workload) - residual_bytes_per_number(workload)
    return (streams * residual_bytes_per_number(workload) + outputs + of_mlp) * shape.hidden


def _readers(shape: ModelShape) -> list[tuple[str, ...]]:
    """Linear layers grouped by the tensor they read; in tiles the MLP keeps an input of its own."""
    if shape.norms == "parallel":
        (queries, output), (gates, down) = shape.mixing_readers, shape.mlp_readers
        return [(*queries, *gates), output, down]
    return [*shape.mixing_readers, *shape.mlp_readers]
