"""Bytes of the inputs that layers have of their own: what makes them for all layers, and what adds one in its layer.

Before the first layer a table and a product of the embedding, which a norm sees, are added up. In a layer the result is
multiplied by a gate of the stream, projected back and normalised. None of it runs in tiles.
"""

from leanrl.planner.layers.linear_inputs import adapter_products, linear_inputs
from leanrl.planner.layers.norms import (
    NORM_BACKWARD,
    norm_bytes,
    normalised_bytes,
    residual_bytes_per_number,
    root_bytes,
)
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def input_block_bytes(shape: ModelShape, workload: Workload) -> int:
    """What a layer keeps of a token while it adds its input: the gate, its activation, and what linears and norm keep.

    The input itself is kept once for all layers.
    """
    if shape.inputs is None:
        return 0
    gates = workload.compute_bytes * shape.inputs.width * (1 + _asks(shape, workload))
    readers = shape.inputs.readers
    linears = linear_inputs(shape, workload, readers) + adapter_products(workload, readers)
    return gates + linears + norm_bytes(shape, workload)


def input_block_work_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most that the block adds for a token: in the backward pass of its norm, when all of the layer is kept."""
    return NORM_BACKWARD * shape.hidden - normalised_bytes(shape, workload)


def all_inputs_bytes(shape: ModelShape, workload: Workload) -> int:
    """What is kept for a token from the embedding to the end of the backward pass."""
    if shape.inputs is None:
        return 0
    made = residual_bytes_per_number(workload) * shape.inputs.all_widths
    return made + _normalised_inputs_bytes(shape, workload)


def _normalised_inputs_bytes(shape: ModelShape, workload: Workload) -> int:
    """What the norm over the products keeps."""
    if shape.inputs is None or not _asks(shape, workload):
        return 0
    width = shape.inputs.all_widths
    trained = 4 * width * (workload.method == "full")
    return 4 * width + trained + root_bytes(shape) * shape.inputs.num_layers


def waiting_inputs_bytes(shape: ModelShape, workload: Workload) -> int:
    """The gradient for the inputs of all layers, which is as large as they are when the first one adds to it."""
    if shape.inputs is None or not _asks(shape, workload):
        return 0
    return residual_bytes_per_number(workload) * shape.inputs.all_widths


def inputs_backward_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most of a token at the end of the backward pass, where the norm over the products has its own.

    Its input, what comes and goes, and the gradient that waits for the table.
    """
    if shape.inputs is None or not _asks(shape, workload):
        return 0
    table = residual_bytes_per_number(workload) * (workload.method == "full")
    return (4 + NORM_BACKWARD + table) * shape.inputs.all_widths + root_bytes(shape) * shape.inputs.num_layers


def inputs_forward_bytes(shape: ModelShape, workload: Workload) -> int:
    """The most of a token while inputs are made without gradients: what the table gives, the product, and the norm."""
    if shape.inputs is None:
        return 0
    e = workload.compute_bytes
    return (residual_bytes_per_number(workload) + e + 2 * 4) * shape.inputs.all_widths


def _asks(shape: ModelShape, workload: Workload) -> bool:
    """Whether what makes the inputs is trained, so that they ask for a gradient."""
    return workload.method == "full" or any(workload.adapts(name) for name in shape.outer_linears)
