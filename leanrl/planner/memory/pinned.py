"""Bytes of pinned host memory, by which tensors travel to and from a card.

torch takes it in blocks of a power of two, and keeps a block that is free for the next tensor of its size (torch 2.13,
ATen/core/CachingHostAllocator.h).
"""

from leanrl.planner.models.shapes import ModelShape


def block_bytes(num_bytes: int) -> int:
    """Return the bytes of the block that holds a tensor: the next power of two."""
    return 1 << (num_bytes - 1).bit_length() if num_bytes > 0 else 0


def blocks_of_all_sizes(num_bytes: int) -> int:
    """Return what the largest tensors take, and shorter micro-batches or smaller weights in blocks of their own.

    A block is taken by tensors of its size alone. Those of a half, a quarter and so on add up to as much again.
    """
    return 2 * block_bytes(num_bytes)


def pinned_model_bytes(shape: ModelShape, *, bytes_per_number: int, shards: int) -> int:
    """Return the bytes of a model whose tensors, or one rank's shards of them, are pinned one by one."""

    def block(numbers: int) -> int:
        return block_bytes(numbers * bytes_per_number // shards)

    linears = sum(
        kind.num_layers * sum(block(inputs * outputs) for inputs, outputs in kind.layer_linears.values())
        for kind in shape.layer_kinds
    )
    tables = (1 if shape.tied else 2) * block(shape.embedding_params)
    num_others = shape.num_params - shape.linear_params - (1 if shape.tied else 2) * shape.embedding_params
    # Norms and biases are small, and no block is twice as large as its tensor.
    whole = shape.num_params * bytes_per_number // shards
    return min(linears + tables + 2 * num_others * bytes_per_number // shards, 2 * whole)
