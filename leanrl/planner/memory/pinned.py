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


def pinned_model_bytes(shape: ModelShape, *, num_bytes: int, shards: int = 1, joins_linears: bool = False) -> int:
    """Return the bytes of a model whose tensors, or one rank's shards of them, are pinned one by one.

    Args:
        num_bytes: of the whole model, without blocks.
        joins_linears: whether linear layers that read the same tensor are one, as in vLLM.
    """

    def block(numbers: int) -> int:
        return block_bytes(numbers * num_bytes // (shape.num_params * shards))

    linears = sum(
        kind.num_layers * sum(block(numbers) for numbers in _numbers_of_tensors(kind, joins_linears=joins_linears))
        for kind in shape.layer_kinds
    )
    linears += sum(block(inputs * outputs) for inputs, outputs in shape.outer_linears.values())
    num_tables = 1 if shape.tied else 2
    num_others = shape.num_params - shape.linear_params - num_tables * shape.embedding_params
    # Norms and biases are small, and no block is twice as large as its tensor.
    others = 2 * num_others * num_bytes // (shape.num_params * shards)
    return min(linears + num_tables * block(shape.embedding_params) + others, 2 * num_bytes // shards)


def _numbers_of_tensors(kind: ModelShape, *, joins_linears: bool) -> list[int]:
    """Return the numbers in each tensor of a decoder layer's linear layers."""
    sizes = {name: inputs * outputs for name, (inputs, outputs) in kind.layer_linears.items()}
    if not joins_linears:
        return list(sizes.values())
    joined = [[name for name in names if name in sizes] for names in (*kind.mixing_readers, *kind.mlp_readers)]
    alone = sizes.keys() - {name for names in joined for name in names}
    return [*(sum(sizes[name] for name in names) for names in joined), *(sizes[name] for name in alone)]
