"""Bytes of the tile in which an MLP trains its own weights."""

from leanrl.planner.memory.weights import mlp_weights, weight_gradient_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload


def trained_tile_bytes(shape: ModelShape, workload: Workload, *, saved: int, backward: int) -> int:
    """Bytes of a tile, and of the fp32 sums of its weights' gradients over tiles.

    autograd hands out the gradients of a tile together. The fullest moment is the backward pass of product and
    activation, beside down_proj's gradient and the casts of the other weights; or, of few tokens, the last gradient
    beside all others. A cast's gradient has 16 bits first.

    Args:
        saved: bytes that autograd saves of the tile.
        backward: temporaries of the backward pass of product and activation.
    """
    weights = mlp_weights(shape)
    whole = weight_gradient_bytes(workload)
    cast = workload.compute_bytes * workload.is_autocast
    down = weights[shape.terms.down_name]
    in_the_middle = saved + backward + whole * down + cast * (sum(weights.values()) - down)
    last = workload.compute_bytes * shape.intermediate * workload.tokens_at_once
    at_the_end = whole * sum(weights.values()) + cast * min(weights.values()) + last
    return max(in_the_middle, at_the_end) + 4 * sum(weights.values())
