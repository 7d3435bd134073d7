"""Bytes of the KV cache that generation keeps."""

import math

from leanrl.planner.models.shapes import ModelShape

# vLLM hands out its KV cache in blocks of 16 tokens.
BLOCK_TOKENS = 16


def kv_bytes_per_token(shape: ModelShape, *, bytes_per_number: int = 2) -> int:
    """Bytes of one token's KV cache over all layers that have one."""
    own = [kind for kind in shape.layer_kinds if not kind.borrows_kv]
    return 2 * sum((kind.num_layers - kind.num_stateful_layers) * kind.key_value for kind in own) * bytes_per_number


def sequence_kv_bytes(shape: ModelShape, *, tokens: int, bytes_per_number: int = 2) -> int:
    """Bytes of one sequence in whole blocks; layers with a sliding window keep no more than the window.

    A layer that borrows keys and values has none of its own. A layer with a state of constant size keeps that, in fp32
    as transformers and vLLM do by default.
    """
    states = 4 * shape.num_stateful_layers * shape.state_numbers
    window = min(tokens, shape.sliding_window or tokens)

    def numbers(kind: ModelShape) -> int:
        num_full = kind.num_layers - kind.num_sliding_layers - kind.num_stateful_layers
        return 2 * kind.key_value * (num_full * _in_blocks(tokens) + kind.num_sliding_layers * _in_blocks(window))

    own = [kind for kind in shape.layer_kinds if not kind.borrows_kv]
    return states + bytes_per_number * sum(numbers(kind) for kind in own)


def _in_blocks(tokens: int) -> int:
    return math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS
