"""Bytes of weights on one training rank: base, adapter, gathered copies, reference."""

from collections.abc import Collection

from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

# NF4 with double quantisation: half a byte, one 8-bit scale for 64 weights, one fp32 scale for 256 of those.
NF4_BYTES_PER_PARAM = 0.5 + 1 / 64 + 4 / (64 * 256)


def adapter_params(shape: ModelShape, workload: Workload) -> int:
    """Parameters of a LoRA adapter: rank x (inputs + outputs) of each adapted layer."""
    return workload.lora_rank * _adapted_widths(shape, workload)


def _adapted_widths(shape: ModelShape, workload: Workload, *, without: Collection[str] = ()) -> int:
    """Inputs and outputs of all adapted layers; not every kind of decoder layer has every target."""
    found = [(1, shape.outer_linears), *((kind.num_layers, kind.layer_linears) for kind in shape.layer_kinds)]
    return sum(
        count * sum(sizes)
        for count, linears in found
        for name, sizes in linears.items()
        if workload.adapts(name) and name not in without
    )


def trained_params(shape: ModelShape, workload: Workload) -> int:
    return shape.num_params if workload.method == "full" else adapter_params(shape, workload)


def base_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the model's own weights that stay on the rank."""
    if workload.method == "qlora":
        whole = nf4_bytes(shape)
    else:
        # ZeRO keeps a 16-bit copy to compute with; its fp32 masters count as optimizer state.
        is_zero = workload.sharding.startswith("zero")
        whole = shape.num_params * (2 if is_zero else workload.weight_bytes_per_param)
    shards = workload.num_ranks if workload.is_fsdp or workload.sharding == "zero3" else 1
    return whole // shards


def nf4_bytes(shape: ModelShape) -> int:
    """Bytes of a base whose linear layers are NF4; embedding, head and norms stay 16-bit."""
    quantised = shape.linear_params
    return int(quantised * NF4_BYTES_PER_PARAM) + 2 * (shape.num_params - quantised)


def adapter_bytes(shape: ModelShape, workload: Workload) -> int:
    return adapter_params(shape, workload) * workload.adapter_bytes_per_param


def gathered_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of unsharded weights while a forward or backward pass runs, or of autocast's casts of them."""
    computed = workload.compute_bytes
    if workload.sharding == "fsdp2":
        return shape.num_params * computed
    if workload.sharding in ("fsdp2_reshard", "zero3"):
        return _gathered_layers_params(shape) * computed
    if workload.is_autocast and workload.method == "full":
        # Autocast keeps one bf16 copy of each linear weight until its context ends; our head casts for itself.
        return shape.linear_params * computed
    return 0


def gathered_in_training_bytes(shape: ModelShape, workload: Workload) -> int:
    """The same while a step trains: an MLP that runs in tiles casts its weights for each tile anew."""
    gathered = gathered_bytes(shape, workload)
    if not (workload.is_tiled and workload.is_autocast and workload.method == "full"):
        return gathered
    in_tiles = sum(kind.num_layers * sum(mlp_weights(kind).values()) for kind in shape.layer_kinds)
    return gathered - workload.compute_bytes * in_tiles


def mlp_weights(shape: ModelShape) -> dict[str, int]:
    """Weights of each linear layer of an MLP, without biases."""
    names = [name for readers in shape.mlp_readers for name in readers]
    return {name: shape.layer_linears[name][0] * shape.layer_linears[name][1] for name in names}


def weight_gradient_bytes(workload: Workload) -> int:
    """Size of a number of a trained weight's gradient as autograd hands it out; FSDP2 computes on 16-bit copies."""
    return workload.compute_bytes if workload.is_fsdp else workload.weight_bytes_per_param


def adapter_cast_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the copies of a finer adapter that autocast keeps until its context ends; tiles cast for themselves."""
    if workload.adapter_bytes_per_param <= workload.compute_bytes:
        return 0
    in_tiles = [name for readers in shape.mlp_readers for name in readers] if workload.is_tiled else []
    return workload.lora_rank * _adapted_widths(shape, workload, without=in_tiles) * workload.compute_bytes


def frozen_cast_bytes(shape: ModelShape, workload: Workload, layers: list[tuple[str, ...]]) -> int:
    """Bytes of the copies of frozen fp32 weights that autocast makes, which gradients of their inputs need."""
    if workload.method != "lora" or not workload.is_autocast:
        return 0
    sizes = shape.layer_linears
    return workload.compute_bytes * sum(sizes[name][0] * sizes[name][1] for readers in layers for name in readers)


def dequantised_bytes(shape: ModelShape, workload: Workload) -> int:
    """The 16-bit copy of one NF4 layer that exists while it multiplies: the largest of a decoder layer."""
    if workload.method != "qlora":
        return 0
    return 2 * max(inputs * outputs for inputs, outputs in shape.linears.values())


def reference_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the reference policy on the rank: all weights in the dtype they were loaded in, or a second adapter.

    FSDP2 shards it like the model. Where it lives elsewhere these are bytes of that place.
    """
    if workload.reference in ("none", "adapter_off"):
        return 0
    if workload.reference == "adapter":
        return adapter_bytes(shape, workload)
    whole = shape.num_params * workload.reference_bytes_per_param
    return whole // workload.num_ranks if workload.is_fsdp else whole


def visiting_reference_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of what scores: layers gathered from shards to compute, or a copy fetched from elsewhere as it is."""
    if workload.is_fsdp and workload.reference in ("gpu", "host"):
        return _gathered_layers_params(shape) * workload.compute_bytes
    return shape.num_params * workload.reference_bytes_per_param if workload.reference in ("host", "disk") else 0


def arriving_reference_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of a shared reference as its first layer is gathered: what ranks send of a unit lies beside its tensors.

    It goes when the next unit has come; so it is there twice of the first layer and of what is around the layers.
    """
    if not workload.is_fsdp or workload.reference not in ("gpu", "host"):
        return 0
    return 2 * (root_params(shape) + shape.params_per_layer) * workload.compute_bytes


def root_params(shape: ModelShape) -> int:
    """Parameters outside the decoder layers: embedding, head, last norm, and what makes inputs of layers."""
    return shape.num_params - shape.layer_params


def largest_tensor_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the largest single tensor, which is whole for a moment when shards are gathered for sync or save."""
    return shape.largest_table_params * workload.weight_bytes_per_param


def _gathered_layers_params(shape: ModelShape) -> int:
    """Parameters of the layer that computes and the one fetched ahead, and of embedding, head and last norm."""
    return root_params(shape) + 2 * shape.params_per_layer
