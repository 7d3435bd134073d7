"""What the MLP of a decoder layer keeps and makes: whole, in tiles, and with a norm behind it."""

from leanrl.planner.layers.activation_functions import ActivationBytes, activation_bytes
from leanrl.planner.layers.linear_inputs import adapter_products, linear_inputs
from leanrl.planner.layers.norms import (
    NORM_BACKWARD,
    held_bytes,
    norm_bytes,
    normalised_bytes,
    residual_bytes_per_number,
)
from leanrl.planner.layers.trained_tile import trained_tile_bytes
from leanrl.planner.memory.weights import dequantised_bytes, weight_gradient_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def mlp_bytes(shape: ModelShape, workload: Workload) -> int:
    """Gate, its activation and up; their product where down_proj's weight or adapter needs it."""
    e = workload.compute_bytes
    kept = 3 * e if shape.terms.has_gate else _activation(shape, workload).kept
    return kept * shape.intermediate + _kept_product(shape, workload)


def mlp_forward_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """The most of a forward pass without gradients: three tensors, or what an activation without a gate makes.

    Two are there while an NF4 weight is dequantised for a third.
    """
    number = workload.compute_bytes * shape.intermediate * tokens
    products = 2 * number + max(number, dequantised_bytes(shape, workload))
    if shape.terms.has_gate:
        return products
    return max(products, _activation(shape, workload).alone * shape.intermediate * tokens)


def mlp_module_bytes(shape: ModelShape, workload: Workload) -> int:
    """The same with the inputs of its linear layers and adapters."""
    inputs = linear_inputs(shape, workload, shape.mlp_readers)
    return inputs + mlp_bytes(shape, workload) + adapter_products(workload, shape.mlp_readers)


def _kept_product(shape: ModelShape, workload: Workload) -> int:
    """What down_proj's weight or adapter keeps of its input, with a mask where numbers of it are dropped."""
    if not _trains_down(shape, workload):
        return 0
    if workload.lora_dropout > 0:
        return (workload.compute_bytes + 1) * shape.intermediate
    is_kept_anyway = not shape.terms.has_gate and _activation(shape, workload).keeps_result
    return 0 if is_kept_anyway else workload.compute_bytes * shape.intermediate


def _activation(shape: ModelShape, workload: Workload) -> ActivationBytes:
    """What the activation of an MLP without a gate keeps and makes."""
    return activation_bytes(
        shape.activation,
        workload.compute_bytes,
        trains_all=workload.method == "full",
        is_recomputed=workload.activations != "kept" and not workload.is_tiled,
    )


def _trains_down(shape: ModelShape, workload: Workload) -> bool:
    return workload.method == "full" or workload.adapts(shape.terms.down_name)


def mlp_tile_bytes(shape: ModelShape, workload: Workload) -> int:
    """One tile of the MLP, forward and backward, and the fp32 sums of its weights' gradients over tiles."""
    tokens = workload.tokens_at_once
    saved = mlp_module_bytes(shape, workload) * tokens
    if workload.method == "full":
        backward = _product_backward_bytes(shape, workload, tokens=tokens)
        return trained_tile_bytes(shape, workload, saved=saved, backward=backward)
    adapted = [name for readers in shape.mlp_readers for name in readers if workload.adapts(name)]
    sums = (
        workload.adapter_bytes_per_param * workload.lora_rank * sum(sum(shape.layer_linears[name]) for name in adapted)
    )
    # Beside a tile's backward pass: what base layer and adapter gave together, and the gradient for it.
    work = _mlp_backward_bytes(shape, workload, tokens=tokens) + 2 * workload.compute_bytes * shape.hidden * tokens
    return saved + max(work, _mlp_again_bytes(shape, workload, num_hidden=3) * tokens) + sums


def mlp_work_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """Temporaries of an MLP at its peak, which is in its backward pass or in the recomputed forward pass.

    Phi-3's gate and up are one layer. Its result, its adapter's and the multiple of that are as many numbers as gate,
    activation, up and the gradients of a backward pass, and lie beside what is held and what waits; one hidden tensor
    more where down_proj's adapter drops numbers (found by tracing).
    """
    work = _mlp_backward_bytes(shape, workload, tokens=tokens)
    beside = held_bytes(shape, workload) + waiting_bytes(shape, workload)
    if workload.adapts("gate_up_proj"):
        dropped = workload.lora_dropout > 0 and _trains_down(shape, workload)
        work += (beside + dropped * workload.compute_bytes * shape.hidden) * tokens
    return max(work, (_mlp_again_bytes(shape, workload, num_hidden=2) + beside) * tokens)


def _mlp_again_bytes(shape: ModelShape, workload: Workload, *, num_hidden: int) -> int:
    """Temporaries of a token in a forward pass of an MLP that keeps, less what it keeps only after them.

    The adapter of up: what the base layer gives, the adapter's product and its multiple. Or the activation, or
    down_proj's adapter with `num_hidden` hidden tensors.
    """
    e, inner = workload.compute_bytes, shape.intermediate
    activation = None if shape.terms.has_gate else _activation(shape, workload)
    moments = [_adapter_again_bytes(shape, workload, num_hidden=num_hidden)]
    if activation is not None:
        moments.append(activation.forward * inner - _kept_product(shape, workload))
    if workload.adapts(shape.terms.up_name):
        beside = 2 * e if activation is None else 3 * e - activation.kept
        moments.append(beside * inner - _kept_product(shape, workload))
    return max(moments)


def _mlp_backward_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """Temporaries at the peak of an MLP's backward pass."""
    e, inner = workload.compute_bytes, shape.intermediate
    peaks = [_product_backward_bytes(shape, workload, tokens=tokens)]
    if workload.method == "full":
        # For few tokens the gradient of down_proj's weight outweighs them.
        peaks.append(e * inner * tokens + weight_gradient_bytes(workload) * inner * shape.hidden)
    if workload.method == "qlora":
        # Or down_proj's own weight, which is dequantised beside two gradients of the product, the adapter's first.
        gradients = (2 * e * inner - _kept_product(shape, workload)) * tokens
        peaks.append(gradients + 2 * inner * shape.hidden)
        # Or that of gate and up, which may be one, beside their gradients: all that the MLP has kept is gone by then.
        sizes = [shape.layer_linears[name] for name in shape.mlp_readers[0]]
        gradients = (e * sum(outputs for _, outputs in sizes) - mlp_bytes(shape, workload)) * tokens
        peaks.append(gradients + 2 * max(inputs * outputs for inputs, outputs in sizes))
    return max(peaks)


def _product_backward_bytes(shape: ModelShape, workload: Workload, *, tokens: int) -> int:
    """The gradients of product, activation and up exist together when the product itself is freed."""
    work = 3 * workload.compute_bytes if shape.terms.has_gate else _activation(shape, workload).backward
    return (work * shape.intermediate - _kept_product(shape, workload)) * tokens


def work_with_norm_behind_bytes(shape: ModelShape, workload: Workload) -> int:
    """The same of a layer with a norm behind its MLP (Gemma 3), whose own backward pass may be the peak (traced).

    In the MLP's backward pass all that the norm has kept is gone. In the recomputed forward pass it is not there yet,
    the stream is held, and gradients wait: that for the norm's input, in fp32 too.
    """
    tokens = workload.micro_batch_tokens
    of_norm = NORM_BACKWARD * shape.hidden - normalised_bytes(shape, workload)
    of_mlp = _mlp_backward_bytes(shape, workload, tokens=tokens) - norm_bytes(shape, workload) * tokens
    waiting = (4 + workload.compute_bytes) * shape.hidden - norm_bytes(shape, workload)
    waiting += held_bytes(shape, workload) + waiting_bytes(shape, workload)
    again = _adapter_again_bytes(shape, workload, num_hidden=2)
    return max(of_norm * tokens, of_mlp, (again + waiting) * tokens)


def waiting_bytes(shape: ModelShape, workload: Workload) -> int:
    """Gradients of a token that wait where down_proj asks for what it has kept, which runs the layer again.

    That of an adapter's multiple; that of the MLP's result, where it is not the stream's own: a layer scales the
    result, or the stream is finer.
    """
    number = workload.compute_bytes * shape.hidden
    if not _trains_down(shape, workload):
        return 0
    of_the_result = cast_gradients_bytes(shape, workload) or number * shape.terms.scales_blocks
    return of_the_result + number * workload.adapts(shape.terms.down_name)


def cast_gradients_bytes(shape: ModelShape, workload: Workload) -> int:
    """Gradients of a token that are cast from a finer stream's; a sum of three casts attention's with the MLP's.

    Adding to the MLP's result in place, a view where the MLP runs in tiles, makes two copies of its gradient.
    """
    if workload.is_tiled and shape.is_parallel and shape.terms.adds_in_place:
        return 2 * workload.compute_bytes * shape.hidden
    if residual_bytes_per_number(workload) == workload.compute_bytes:
        return 0
    return (2 if shape.norms == "parallel" else 1) * workload.compute_bytes * shape.hidden


def _adapter_again_bytes(shape: ModelShape, workload: Workload, *, num_hidden: int) -> int:
    """Temporaries of a token when down_proj's adapter ends a forward pass, all of which is kept by then.

    The product lies beside what dropout has made of it, the base layer's result and the adapter's. A recomputed pass
    ends there, for it stops when the last tensor is kept; another makes the adapter's multiple too.
    """
    if not workload.adapts(shape.terms.down_name):
        return 0
    product = shape.intermediate * (workload.lora_dropout > 0)
    return workload.compute_bytes * (product + num_hidden * shape.hidden)
