"""Bytes of the KV cache that generation keeps."""

import math

from leanrl.planner.models.shapes import ModelShape

# vLLM hands out its KV cache in blocks of 16 tokens.
BLOCK_TOKENS = 16


def kv_bytes_per_token(shape: ModelShape, *, bytes_per_number: int = 2) -> int:
    """Bytes of one token's KV cache over all layers that have one."""
    return 2 * (shape.num_layers - shape.num_stateful_layers) * shape.key_value * bytes_per_number


def sequence_kv_bytes(shape: ModelShape, *, tokens: int, bytes_per_number: int = 2) -> int:
    """Bytes of one sequence in whole blocks; layers with a sliding window keep no more than the window.

    A layer with a state of constant size keeps that, in fp32 as transformers and vLLM do by default.
    """
    per_layer = 2 * shape.key_value * bytes_per_number
    num_full = shape.num_layers - shape.num_sliding_layers - shape.num_stateful_layers
    states = 4 * shape.num_stateful_layers * shape.state_numbers
    window = min(tokens, shape.sliding_window or tokens)
    return states + per_layer * (num_full * _in_blocks(tokens) + shape.num_sliding_layers * _in_blocks(window))


def _in_blocks(tokens: int) -> int:
    return math.ceil(tokens / BLOCK_TOKENS) * BLOCK_TOKENS
