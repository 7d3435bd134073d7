"""Bytes of what generates completions: vLLM in a process of its own or beside the trainer, or `model.generate`."""

from dataclasses import replace

from leanrl.planner.layers.activations import forward_bytes
from leanrl.planner.memory.kv_cache import sequence_kv_bytes
from leanrl.planner.memory.weights import nf4_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.workload import Workload

# What captured CUDA graphs take, as public logs have it: 0.17 to 0.20 GiB without an adapter (vLLM 0.7 and 0.8), of
# which more are kept since; 1.12 and 1.15 GiB where vLLM captures each graph with an adapter and without (0.10, 0.11).
_CUDA_GRAPH_BYTES = 512 * 2**20
_CUDA_GRAPH_WITH_ADAPTER_BYTES = int(1.15 * 2**30)
# Sampler: bf16 logits, an fp32 copy, and an fp32 log-softmax, for each sequence.
_SAMPLER_BYTES_PER_LOGIT = 10
# The self-test of an adapter on another base scores a prompt and so much of a completion (rollout.selftest).
_SCORED_TOKENS = 256
# Ranks for which vLLM has kernels; an adapter's buffers are made for the next larger one.
_ENGINE_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def engine_weight_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of vLLM's own copy of the model; none where the trainer's base is that copy."""
    return 0 if workload.shares_base else served_weight_bytes(shape, workload)


def served_weight_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of the weights that vLLM computes with, whoever else does: in the run's compute dtype."""
    return nf4_bytes(shape) if workload.engine_is_nf4 else workload.compute_bytes * shape.num_params


def lora_buffer_bytes(shape: ModelShape, workload: Workload) -> int:
    """Bytes of vLLM's buffers for one adapter; every linear layer gets them, whatever the adapter targets."""
    if workload.method == "full":
        return 0
    fitting = [rank for rank in _ENGINE_RANKS if rank >= workload.lora_rank]
    rank = fitting[0] if fitting else workload.lora_rank
    if shape.counted is not None:
        widths = sum(sum(sizes) for sizes in shape.linears.values())
        return workload.compute_bytes * rank * shape.num_layers * widths
    widths = sum(kind.num_layers * _served_widths(kind) for kind in shape.layer_kinds)
    widths += sum(sum(sizes) for sizes in shape.outer_linears.values())
    return workload.compute_bytes * rank * widths


def _served_widths(kind: ModelShape) -> int:
    """Inputs and outputs of a decoder layer's linear layers; of fused ones vLLM adapts each part."""
    hidden, query, inner = kind.hidden, kind.query, kind.intermediate
    made = 0 if kind.borrows_kv else 2
    attention = (1 + made) * hidden + kind.query_outputs + made * kind.key_value + query + hidden
    mixing = attention if kind.mixer is None else sum(sum(sizes) for sizes in kind.mixer.linears.values())
    num_readers = 1 + kind.terms.has_gate
    inputs = sum(sum(sizes) for sizes in kind.inputs.layer_linears.values()) if kind.inputs else 0
    return mixing + num_readers * (hidden + inner) + inner + hidden + inputs


def cuda_graph_bytes(workload: Workload) -> int:
    """Bytes of vLLM's captured CUDA graphs, which stay while it sleeps; a CPU captures none."""
    if workload.on_cpu:
        return 0
    return _CUDA_GRAPH_BYTES if workload.method == "full" else _CUDA_GRAPH_WITH_ADAPTER_BYTES


def engine_working_bytes(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """Bytes that a vLLM engine needs besides weights and KV cache, by component."""
    tokens = min(workload.engine_batch_tokens, workload.completions_per_engine * workload.row_tokens)
    inner = max(kind.intermediate for kind in shape.layer_kinds)
    hidden_tensors = workload.compute_bytes * tokens * 3 * (inner + shape.hidden)
    return {
        "engine activations": hidden_tensors,
        "engine sampler": _SAMPLER_BYTES_PER_LOGIT * shape.vocab * _rows_of_logits(workload),
        "engine adapter buffers": lora_buffer_bytes(shape, workload),
        "engine CUDA graphs": cuda_graph_bytes(workload),
    }


def _rows_of_logits(workload: Workload) -> int:
    """Rows of logits that the engine makes at once: one a sequence, or one a token of a text that it scores."""
    if not workload.engine_scores:
        return workload.completions_per_engine
    scored = workload.prompt_tokens + min(_SCORED_TOKENS, workload.completion_tokens)
    return max(workload.completions_per_engine, scored)


def wanted_kv_bytes(shape: ModelShape, workload: Workload) -> int:
    """The KV cache of all completions of a step at full length, so that none has to wait."""
    return workload.completions_per_engine * _sequence_bytes(shape, workload, workload.row_tokens)


def least_kv_bytes(shape: ModelShape, workload: Workload) -> int:
    """The KV cache of one sequence of the longest length: vLLM does not start with less."""
    return _sequence_bytes(shape, workload, workload.engine_model_tokens)


def _sequence_bytes(shape: ModelShape, workload: Workload, tokens: int) -> int:
    """Bytes of one sequence's KV cache, which vLLM keeps in the dtype that it computes in."""
    return sequence_kv_bytes(shape, tokens=tokens, bytes_per_number=workload.compute_bytes)


def generate_bytes(shape: ModelShape, workload: Workload) -> dict[str, int]:
    """Bytes that `model.generate` needs for a rank's completions, made all at once."""
    sequences = workload.completions_per_engine
    # A layer that copies keys and values for every query head keeps the copies.
    is_repeated = shape.own_attention is not None and shape.own_attention.repeats_heads
    cached = replace(shape, num_kv_heads=shape.num_heads) if is_repeated else shape
    keys_and_values = sequences * sequence_kv_bytes(
        cached, tokens=workload.row_tokens, bytes_per_number=workload.compute_bytes
    )
    # A new token copies a layer's keys and values into larger tensors, and repeats them for every query head. A state
    # is decayed into a copy, and a third is added to that.
    states = 4 * sequences * shape.state_numbers
    one_layer, repeated = _growing_bytes(cached, workload, keys_and_values, states=states)
    prefill = forward_bytes(
        shape, workload, tokens=sequences * workload.prompt_tokens, row_tokens=workload.prompt_tokens
    )
    sampler = 12 * shape.vocab * sequences
    return {"KV cache": keys_and_values, "generation": max(prefill, one_layer + repeated, 3 * states) + sampler}


def _growing_bytes(shape: ModelShape, workload: Workload, keys_and_values: int, *, states: int) -> tuple[int, int]:
    """(keys and values of a layer, the same for every query head); of layers that differ, those of the largest."""
    if not shape.layers:
        num_attending = shape.num_layers - shape.num_stateful_layers
        one_layer = (keys_and_values - shape.num_stateful_layers * states) // max(1, num_attending)
        return one_layer, one_layer * shape.num_heads // shape.num_kv_heads
    widths = [(kind.key_value, kind.query) for kind in shape.layer_kinds]
    numbers = 2 * workload.compute_bytes * workload.completions_per_engine * workload.row_tokens
    key_value, query = max(widths, key=sum)
    return numbers * key_value, numbers * query
