"""Bytes of activations in one micro-batch: what the backward pass keeps, and the most that exists while it works.

Where layers differ in kind, each kind is counted as if it were alone (`ModelShape.layer_kinds`).

Counted tensor by tensor from transformers' decoder layer with flash attention and no mask (rows are padded on
the right), per token; `e` is the size of a computed number (2 in bf16) and `s` that of the residual stream.
For a bf16 Qwen2 that is trained whole, a kept layer is 8I + 20h + 4kv + 4nh + 8 bytes a token and the peak of its
backward pass 12I + 22h + 4kv + 4nh + 16 (I intermediate, h hidden, kv key-value width, nh heads).
"""

import math

from leanrl.planner.activation_functions import activation_bytes
from leanrl.planner.mixers import Mixer
from leanrl.planner.norms import (
    gives_fp32,
    held_bytes,
    norm_bytes,
    norm_output_bytes,
    normalised_bytes,
    norms_bytes,
    query_norms_bytes,
    residual_bytes_per_number,
)
from leanrl.planner.shapes import ModelShape
from leanrl.planner.weights import dequantised_bytes
from leanrl.planner.windows import is_masked, masked_backward_bytes, repeated_heads_bytes
from leanrl.planner.workload import Workload

# Five fp32 tensors exist at the peak of a norm's backward pass, which has let go of its normalised numbers (traced).
_NORM_BACKWARD = 5 * 4


def kept_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes that stay from the forward pass until the backward pass comes to them."""
    tokens = workload.micro_batch_tokens
    layer_input = residual_bytes_per_number(workload) * shape.hidden * tokens
    if workload.activations == "kept":
        kept = sum(kind.num_layers * layer_bytes_per_token(kind, workload) for kind in shape.layer_kinds)
        return (kept + shape.num_sliding_layers * _repeated(shape, workload)) * tokens
    # Offloaded checkpoints leave two on the card: the one in use and the one on its way.
    return layer_input * (2 if workload.activations == "offloaded" else shape.num_layers)


def layer_peak_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most bytes that one layer adds to `kept_bytes` in its recomputation and backward pass.

    Where some layers have a window, it is one of those. When a kind's last layer works, those behind it keep nothing.
    """
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


def _peak_of_a_kind(shape: ModelShape, workload: Workload) -> int:
    tokens = workload.micro_batch_tokens
    recomputed = layer_bytes_per_token(shape, workload) + _repeated(shape, workload)
    saved = 0 if workload.activations == "kept" else recomputed * tokens
    stream = residual_bytes_per_number(workload) * shape.hidden
    token_ids = 8
    if workload.is_tiled:
        # The gradient of the tiled module's input is written beside that of its output.
        mlp_input = norm_output_bytes(shape, workload) * shape.hidden
        mlp = (stream + mlp_input) * tokens + _mlp_tile_bytes(shape, workload)
        # Attention works before the second norm and the MLP have kept their inputs, or after they let go of them. In a
        # parallel block the MLP's input is its own, and the MLP's gradient for that waits.
        # Without a norm before it, attention's gradient waits for the one that went past it.
        beside = {"parallel": stream, "behind": 0}.get(shape.norms, -stream)
        mixing = (_mixing_temporary(shape, workload) + beside) * tokens
        query_norm = (stream + _query_norm_backward(shape, workload)) * tokens
        return token_ids * tokens + max(saved + mlp, saved + mixing, query_norm)
    if shape.norms_behind:
        work = _work_with_norm_behind_bytes(shape, workload)
    else:
        work = _mlp_work_bytes(shape, workload, tokens=tokens)
    if shape.mixer is not None:
        # A mixer works before the second norm and the MLP have kept anything, or after they let go of it.
        mlp = norm_bytes(shape, workload) + _mlp_module(shape, workload)
        work = max(work, (_mixing_temporary(shape, workload) - mlp) * tokens)
    return saved + (stream + token_ids) * tokens + work


def layer_bytes_per_token(shape: ModelShape, workload: Workload) -> int:
    """Bytes that autograd saves for one token in one layer whose attention has no mask."""
    if workload.is_tiled:
        return (
            _tile_inputs(shape, workload)
            + query_norms_bytes(shape, workload)
            + _linear_inputs(shape, workload, shape.mixing_readers)
            + _mixing(shape, workload)
            + _adapter_products(workload, shape.mixing_readers)
        )
    return (
        norms_bytes(shape, workload)
        + query_norms_bytes(shape, workload)
        + _linear_inputs(shape, workload, _readers(shape))
        + _mixing(shape, workload)
        + _mlp(shape, workload)
        + _adapter_products(workload, _readers(shape))
    )


def final_norm_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes that the last norm keeps between the layers and the head; in tiles it keeps its input alone."""
    if workload.is_tiled:
        return residual_bytes_per_number(workload) * shape.hidden * workload.micro_batch_tokens
    return (4 * shape.hidden + normalised_bytes(shape, workload)) * workload.micro_batch_tokens


def final_norm_backward_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes at the peak of the last norm's backward pass: its fp32 input, and what comes and goes."""
    return 0 if workload.is_tiled else (4 + _NORM_BACKWARD) * shape.hidden * workload.micro_batch_tokens


def scored_hidden_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the last hidden states, from which those that are scored are gathered."""
    return workload.compute_bytes * shape.hidden * (workload.micro_batch_tokens + workload.micro_batch_scored_tokens)


def forward_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """Bytes of a forward pass without gradients over `tokens`: about three MLP and four hidden tensors.

    Two MLP tensors are there while an NF4 weight is dequantised for a third. A mixer may make more than an MLP.
    """
    e, inner = workload.compute_bytes, shape.intermediate
    last = max(e * inner * tokens, dequantised_bytes(shape, workload))
    mixing = _in_padded_rows(shape.mixer.forward_bytes(e), shape.mixer, workload) * tokens if shape.mixer else 0
    return e * 4 * shape.hidden * tokens + max(e * 2 * inner * tokens + last, mixing)


def position_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the cosines and sines that turn queries and keys: of a pack's tokens, or of one row's for all rows.

    Gemma 3 has a second pair where some layers have a window and others have none.
    """
    tokens = workload.micro_batch_tokens if workload.packs_rows else workload.row_tokens
    has_both_kinds = shape.terms.has_two_rotations and 0 < shape.num_sliding_layers < shape.num_layers
    tables = 4 if has_both_kinds else 2
    rotated = int(shape.rotated_share * shape.head_dim)
    number = 4 if shape.terms.tables_in_fp32 else residual_bytes_per_number(workload)
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


def _linear_inputs(shape: ModelShape, workload: Workload, layers: list[tuple[str, ...]]) -> int:
    """Inputs that a layer keeps for the gradients of its weights; down_proj's counts with the MLP.

    Layers that read the same tensor share it, unless each makes its own copy in bf16: under autocast (from an
    fp32 norm) and where adapters drop numbers of it. Attention's output is kept by attention itself.
    """
    e, output = workload.compute_bytes, (shape.terms.output_name,)
    linears = shape.linears
    trained = tuple(linears) if workload.method == "full" else workload.lora_targets
    copies_each = workload.method != "full" and workload.lora_dropout > 0
    total = 0
    for readers in layers:
        if readers == (shape.terms.down_name,):
            continue
        count = sum(name in trained for name in readers)
        # Attention and what stands in its place compute in the dtype of their linear layers.
        reads_fp32 = workload.is_autocast or (gives_fp32(shape) and workload.compute_bytes < 4)
        is_cast = copies_each or (reads_fp32 and readers != shape.mixing_readers[-1])
        is_attention_output = readers == output and shape.mixer is None and not shape.terms.gates_attention
        is_kept_anyway = is_attention_output and not is_cast and not shape.lays_out_by_head
        if readers == shape.mixing_readers[0] and not is_cast and _reads_checkpoint(shape, workload):
            continue
        copies = count if is_cast else min(count, 1)
        total += 0 if is_kept_anyway else copies * e * linears[readers[0]][0]
        # Dropout keeps a mask of one byte a number.
        total += count * linears[readers[0]][0] * (workload.lora_dropout > 0)
    return total


def _reads_checkpoint(shape: ModelShape, workload: Workload) -> bool:
    """Whether attention reads the layer's input itself, which is kept as its checkpoint."""
    return shape.norms == "behind" and workload.activations != "kept"


def _mlp(shape: ModelShape, workload: Workload) -> int:
    """Gate, its activation and up; their product where down_proj's weight or adapter needs it."""
    e = workload.compute_bytes
    kept = 3 * e if shape.terms.has_gate else activation_bytes(shape.activation, e).kept
    return kept * shape.intermediate + _kept_product(shape, workload)


def _mlp_module(shape: ModelShape, workload: Workload) -> int:
    """The same with the inputs of its linear layers and adapters."""
    inputs = _linear_inputs(shape, workload, shape.mlp_readers)
    return inputs + _mlp(shape, workload) + _adapter_products(workload, shape.mlp_readers)


def _kept_product(shape: ModelShape, workload: Workload) -> int:
    """What down_proj's weight or adapter keeps of its input, with a mask where numbers of it are dropped."""
    number = workload.compute_bytes + (workload.lora_dropout > 0)
    return number * _trains_down(shape, workload) * shape.intermediate


def _trains_down(shape: ModelShape, workload: Workload) -> bool:
    return workload.method == "full" or shape.terms.down_name in workload.lora_targets


def _repeated(shape: ModelShape, workload: Workload) -> int:
    """Bytes a token that a layer with a window keeps besides, where rows reach it."""
    return repeated_heads_bytes(shape, workload) if is_masked(shape, workload) else 0


def _readers(shape: ModelShape) -> list[tuple[str, ...]]:
    """Linear layers grouped by the tensor they read; in tiles the MLP keeps an input of its own."""
    if shape.norms == "parallel":
        (queries, output), (gates, down) = shape.mixing_readers, shape.mlp_readers
        return [(*queries, *gates), output, down]
    return [*shape.mixing_readers, *shape.mlp_readers]


def _mixing(shape: ModelShape, workload: Workload) -> int:
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
    """Rotated queries and keys, values, the output, its gate, and flash attention's fp32 log-sum of each head."""
    numbers = 2 * shape.query + 2 * shape.key_value
    if shape.terms.fuses_qkv:
        # The values are a view into the fused projection, all of which stays with them.
        numbers += shape.query + shape.key_value
    if shape.terms.gates_attention:
        numbers += shape.query
    return workload.compute_bytes * numbers + 4 * shape.num_heads


def _mixing_temporary(shape: ModelShape, workload: Workload) -> int:
    """The most that attention, or the mixer in its place, adds for a token."""
    if shape.mixer is None:
        return _attention_temporary(shape, workload)
    return _in_padded_rows(shape.mixer.work_bytes(workload.compute_bytes), shape.mixer, workload)


def _attention_temporary(shape: ModelShape, workload: Workload) -> int:
    """The most that attention adds for a token, which is in its backward pass.

    CUDA's backward pass sums the queries' gradient in fp32, and where heads share keys and values it writes their
    gradients for every query head first. What o_proj has kept is gone by then.
    """
    e, query, key_value = workload.compute_bytes, shape.query, shape.key_value
    expanded = 2 * e * query if query != key_value else 0
    backward = e * (2 * query + 2 * key_value) + 4 * query + expanded
    if is_masked(shape, workload):
        backward = max(backward, masked_backward_bytes(shape, workload))
    # What the norms behind attention and MLP have kept is gone by then.
    backward -= e * shape.norms_behind * shape.hidden
    return backward - _linear_inputs(shape, workload, [(shape.terms.output_name,)])


def _query_norm_backward(shape: ModelShape, workload: Workload) -> int:
    """All that a token of the layer has in the backward pass of the norm over queries, beside the stream's gradient.

    The inputs of the queries' layer, the norm's own, what comes and goes, and the gradients of keys and values. Layers
    that are kept count with all that they keep.
    """
    if shape.terms.query_norm == "none" or shape.mixer is not None or workload.activations == "kept":
        return 0
    inputs = shape.mixing_readers[:1]
    kept = _linear_inputs(shape, workload, inputs) + _adapter_products(workload, inputs)
    return kept + (4 + _NORM_BACKWARD) * shape.query + 2 * workload.compute_bytes * shape.key_value


def _adapter_products(workload: Workload, layers: list[tuple[str, ...]]) -> int:
    """x A of each adapted layer, which the gradient of B needs."""
    count = sum(name in workload.lora_targets for readers in layers for name in readers)
    return count * workload.compute_bytes * workload.lora_rank


def _mlp_tile_bytes(shape: ModelShape, workload: Workload) -> int:
    """One tile of the MLP, forward and backward, and the fp32 sums of its weights' gradients over tiles."""
    tokens = workload.tokens_at_once
    layers = shape.mlp_readers
    saved = _mlp_module(shape, workload)
    if workload.method == "full":
        weights = sum(shape.linears[name][0] * shape.linears[name][1] for readers in layers for name in readers)
        # autograd hands out a tile's gradients together: down_proj's waits for the others.
        sums = 4 * weights + workload.weight_bytes_per_param * shape.intermediate * shape.hidden
        return saved * tokens + _mlp_backward_bytes(shape, workload, tokens=tokens) + sums
    adapted = [name for readers in layers for name in readers if name in workload.lora_targets]
    sums = workload.adapter_bytes_per_param * workload.lora_rank * sum(sum(shape.linears[name]) for name in adapted)
    # Beside a tile's backward pass: what base layer and adapter gave together, and the gradient for it.
    work = _mlp_backward_bytes(shape, workload, tokens=tokens) + 2 * workload.compute_bytes * shape.hidden * tokens
    return saved * tokens + max(work, _mlp_again_bytes(shape, workload) * tokens) + sums


def _mlp_work_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """Temporaries of an MLP at its peak, which is in its backward pass or in the recomputed forward pass.

    Phi-3's gate and up are one layer. Its result, its adapter's and the multiple of that are as many numbers as gate,
    activation, up and the gradients of a backward pass, and lie beside two hidden tensors, or three where down_proj's
    adapter drops numbers (found by tracing).
    """
    work = _mlp_backward_bytes(shape, workload, tokens=tokens)
    if "gate_up_proj" in workload.lora_targets:
        num_hidden = 2 + (workload.lora_dropout > 0 and _trains_down(shape, workload))
        work += num_hidden * workload.compute_bytes * shape.hidden * tokens
    return max(work, (_mlp_again_bytes(shape, workload) + held_bytes(shape, workload)) * tokens)


def _mlp_again_bytes(shape: ModelShape, workload: Workload) -> int:
    """Temporaries of a token in the recomputed forward pass of an MLP, less what it keeps only after them.

    The adapter of up: what the base layer gives, the adapter's product and its multiple. Or the activation, or
    down_proj's adapter.
    """
    e, inner = workload.compute_bytes, shape.intermediate
    activation = None if shape.terms.has_gate else activation_bytes(shape.activation, e)
    moments = [_adapter_again_bytes(shape, workload)]
    if activation is not None:
        moments.append(activation.forward * inner)
    if shape.terms.up_name in workload.lora_targets:
        beside = 2 * e if activation is None else 3 * e - activation.kept
        moments.append(beside * inner - _kept_product(shape, workload))
    return max(moments)


def _mlp_backward_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """Temporaries at the peak of an MLP's backward pass.

    The gradients of product, activation and up exist together when the product itself is freed.
    """
    e, inner = workload.compute_bytes, shape.intermediate
    work = 3 * e if shape.terms.has_gate else activation_bytes(shape.activation, e).backward
    peaks = [(work * inner - _kept_product(shape, workload)) * tokens]
    if workload.method == "full":
        # For few tokens the gradient of down_proj's weight outweighs them.
        peaks.append(e * inner * tokens + workload.weight_bytes_per_param * inner * shape.hidden)
    if workload.method == "qlora":
        # Or down_proj's own weight, which is dequantised beside two gradients of the product, the adapter's first.
        gradients = (2 * e * inner - _kept_product(shape, workload)) * tokens
        peaks.append(gradients + 2 * inner * shape.hidden)
    return max(peaks)


def _work_with_norm_behind_bytes(shape: ModelShape, workload: Workload) -> int:
    """The same of a layer with a norm behind its MLP (Gemma 3), whose own backward pass may be the peak (traced).

    In the MLP's backward pass all that the norm has kept is gone. In the recomputed forward pass it is not there yet,
    and the gradient for it waits, in fp32 too.
    """
    tokens = workload.micro_batch_tokens
    of_norm = _NORM_BACKWARD * shape.hidden - normalised_bytes(shape, workload)
    of_mlp = _mlp_backward_bytes(shape, workload, tokens=tokens) - norm_bytes(shape, workload) * tokens
    waiting = (4 + workload.compute_bytes) * shape.hidden - norm_bytes(shape, workload)
    return max(of_norm * tokens, of_mlp, (_adapter_again_bytes(shape, workload) + waiting) * tokens)


def _adapter_again_bytes(shape: ModelShape, workload: Workload) -> int:
    """Temporaries of a token when down_proj's adapter ends the recomputed forward pass, all of which is kept by then.

    The product lies beside what dropout has made of it, and beside four hidden tensors: the norm's output, the base
    layer's result, the adapter's and its multiple (found by tracing).
    """
    if shape.terms.down_name not in workload.lora_targets:
        return 0
    product = shape.intermediate * (workload.lora_dropout > 0)
    return workload.compute_bytes * (product + (4 + shape.terms.scales_blocks) * shape.hidden)
