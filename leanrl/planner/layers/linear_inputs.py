"""What linear layers keep of their inputs, and what their adapters keep, in bytes of a token."""

from leanrl.planner.layers.eager import is_eager
from leanrl.planner.layers.norms import gives_fp32
from leanrl.planner.layers.own_attention import is_multiplied_out
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def linear_inputs(shape: ModelShape, workload: Workload, layers: list[tuple[str, ...]]) -> int:
    """Inputs that a layer keeps for the gradients of its weights; down_proj's counts with the MLP.

    Layers that read the same tensor share it, unless each makes its own copy in bf16: under autocast (from an
    fp32 norm) and where adapters drop numbers of it. Attention's output is kept by attention itself.
    """
    e, output = workload.compute_bytes, (shape.terms.output_name,)
    linears = shape.layer_linears
    copies_each = workload.method != "full" and workload.lora_dropout > 0
    total = 0
    for readers in layers:
        if readers == (shape.terms.down_name,):
            continue
        count = sum(workload.method == "full" or workload.adapts(name) for name in readers)
        # Attention and what stands in its place compute in the dtype of their linear layers.
        reads_fp32 = workload.is_autocast or (gives_fp32(shape) and workload.compute_bytes < 4)
        is_cast = copies_each or (reads_fp32 and readers != shape.mixing_readers[-1])
        is_attention_output = readers == output and shape.mixer is None and not shape.terms.gates_attention
        # Eager attention, and what torch multiplies out, keep their factors, and not the product.
        keeps_factors = is_eager(workload) or is_multiplied_out(shape, workload)
        is_attention_output = is_attention_output and not keeps_factors
        is_kept_anyway = is_attention_output and not is_cast and not shape.lays_out_by_head
        if readers == shape.mixing_readers[0] and not is_cast and _reads_checkpoint(shape, workload):
            continue
        copies = count if is_cast else min(count, 1)
        total += 0 if is_kept_anyway else copies * e * linears[readers[0]][0]
        # Dropout keeps a mask of one byte a number.
        total += count * linears[readers[0]][0] * (workload.lora_dropout > 0)
    return total


def output_copy_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the copy of attention's output that o_proj keeps, where heads make another layout than it reads."""
    name = shape.terms.output_name
    keeps = workload.method == "full" or (workload.adapts(name) and workload.lora_dropout == 0)
    return workload.compute_bytes * shape.layer_linears[name][0] if shape.lays_out_by_head and keeps else 0


def _reads_checkpoint(shape: ModelShape, workload: Workload) -> bool:
    """Whether attention reads the layer's input itself, which is kept as its checkpoint."""
    return shape.norms == "behind" and workload.activations != "kept"


def adapter_products(workload: Workload, layers: list[tuple[str, ...]]) -> int:
    """x A of each adapted layer, which the gradient of B needs."""
    count = sum(workload.adapts(name) for readers in layers for name in readers)
    return count * workload.compute_bytes * workload.lora_rank
