"""Bytes of gradients on one training rank, and of the buffers that exchange them."""

from leanrl.planner.memory.weights import root_params, trained_params
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

# DeepSpeed's default bucket: 5e8 elements of 2 bytes, two of them when reduction overlaps (facts not measured).
_ZERO_BUCKET_BYTES = 2 * 2 * 500_000_000


def gradient_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the gradients that stay on the rank while a step accumulates."""
    params = trained_params(shape, workload)
    if workload.sharding in ("zero2", "zero3"):
        return 2 * params // workload.num_ranks
    if workload.sharding == "zero1":
        return 2 * params
    if not workload.is_fsdp:
        return params * gradient_bytes_per_param(workload)
    if workload.num_micro_batches > 1:
        # Without a reduction FSDP2 adds up whole gradients in the dtype of the reduction, which is fp32.
        return 4 * params
    return 4 * params // workload.num_ranks


def reduced_gradient_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the gradients when the optimizer sees them, beside DDP's buckets."""
    if workload.sharding == "ddp":
        return 0
    if workload.is_fsdp:
        return 4 * trained_params(shape, workload) // workload.num_ranks
    return gradient_bytes(shape, workload)


def resident_bucket_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of DDP's buckets, which live as long as the run.

    When ranks have exchanged gradients, these are views of the buckets. Until then, while micro-batches add them up,
    they are tensors of their own, as torch makes them.
    """
    return gradient_bytes(shape, workload) if workload.sharding == "ddp" else 0


def gradient_bytes_behind(shape: ModelShape, workload: Workload, *, num_layers: int) -> int:
    """Bytes of the gradients of a single micro-batch when the backward pass is done with so many layers.

    Before the first of them, that of a trained head alone. FSDP2 has reduced those of the layers to shards.
    """
    layers = shape.params_behind(num_layers)
    if workload.is_fsdp:
        return 4 * layers // workload.num_ranks
    whole = gradient_bytes(shape, workload)
    if workload.method != "full":
        return whole * num_layers // shape.num_layers
    return min(whole, (shape.embedding_params + layers) * gradient_bytes_per_param(workload))


def gradient_bytes_at_the_first_layer(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the gradients of a single micro-batch when the backward pass reaches the first layer.

    Those of the first layer and, where it is not the head, of the embedding are still to come.
    """
    whole = gradient_bytes(shape, workload)
    if workload.method != "full":
        return whole - whole // shape.num_layers
    others = shape.params_behind(shape.num_layers - 1)
    to_come = shape.layer_params - others if shape.layers else shape.params_per_layer
    to_come += 0 if shape.tied else shape.embedding_params
    to_come += shape.inputs.params if shape.inputs else 0
    return whole - whole * to_come // shape.num_params


def reduced_layer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of what FSDP2 makes of a layer's gradients: fp32 copies that ranks exchange, and this rank's shard.

    The copies stay until the next layer's are exchanged (torch/distributed/fsdp/_fully_shard, reduce_scatter_state).
    """
    return 4 * shape.params_per_layer + 4 * shape.params_per_layer // workload.num_ranks


def last_gradient_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the gradients when those of embedding and head are done, which are the last.

    FSDP2 has reduced each layer's to shards by then. Those of its root unit are whole, if micro-batches have added
    them up; else a shard is made of them beside the head's.
    """
    if not workload.is_fsdp:
        return gradient_bytes(shape, workload)
    root = root_params(shape)
    shards = 4 * (shape.num_params - root) // workload.num_ranks
    if workload.num_micro_batches > 1:
        return shards + 4 * root
    made = 4 * root // workload.num_ranks + waiting_gradient_bytes(shape, workload)
    return shards + max(made, workload.compute_bytes * root)


def bucket_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of buffers while the last gradients are exchanged: of FSDP2's root unit, or ZeRO's buckets."""
    if workload.is_fsdp:
        return 4 * root_params(shape)
    return _ZERO_BUCKET_BYTES if workload.sharding.startswith("zero") else 0


def waiting_gradient_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the head's new gradient under FSDP2: it is added to the old ones when the whole root unit is done."""
    return workload.compute_bytes * shape.embedding_params if workload.is_fsdp else 0


def new_embedding_gradient_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the largest table's gradient of one micro-batch, which is whole before it is added to the old ones."""
    if workload.method != "full" or workload.is_fsdp:
        return 0
    return shape.largest_table_params * gradient_bytes_per_param(workload)


def gradient_bytes_per_param(workload: Workload) -> int:
    """A gradient has the dtype of its weight."""
    return workload.weight_bytes_per_param if workload.method == "full" else workload.adapter_bytes_per_param
