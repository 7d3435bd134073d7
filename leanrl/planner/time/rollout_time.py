"""Seconds in which a rollout's completions are made, from how long they are."""

from leanrl.planner.machine.cards import Card
from leanrl.planner.memory.kv_cache import kv_bytes_per_token, sequence_kv_bytes
from leanrl.planner.memory.rollout_engine import served_weight_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.time.compute_rate import BANDWIDTH_SHARE, flops_per_second
from leanrl.planner.time.length_profile import LengthDistribution, LengthProfile
from leanrl.planner.workload import Workload

# Prompts are taken to be half as long as the longest that a run allows.
MEAN_PROMPT_SHARE = 0.5
# A decoding step of vLLM beside its reads: with it 45 evaluations on an A40 (vLLM 0.7.2) are met within 0.3 %.
_VLLM_STEP_SECONDS = 0.004
# Kernels of a served adapter in each layer, and what a call of the engine costs once: chosen with six public runs in
# view (docs/planning.md).
_ADAPTER_LAYER_SECONDS = 0.00015
_ROUND_SECONDS = 1.0
# `model.generate` launches layer by layer.
_GENERATE_LAYER_SECONDS = 0.001
_NUM_MOMENTS = 64


def generation_seconds(
    shape: ModelShape,
    workload: Workload,
    card: Card,
    *,
    kv_bytes: int,
    lengths: LengthProfile,
    num_slots: int | None = None,
) -> float:
    """Seconds until the last completion of a rollout is made; `num_slots` is how many vLLM decodes at once at most.

    Each decoding step reads the weights once, and the KV cache of the sequences that run. vLLM drops a sequence that
    has ended; `model.generate` goes on with all rows until the longest has ended.
    """
    limit, count = workload.completion_tokens, workload.completions_per_engine
    prompt = workload.prompt_tokens * MEAN_PROMPT_SHARE
    drawn = lengths.distribution
    longest = drawn.longest(count, limit)
    if workload.engine == "hf":
        steps, per_step, once = longest, _GENERATE_LAYER_SECONDS * shape.num_layers, 0.0
        decoded = count * longest
        tokens_read = count * longest * (prompt + longest / 2)
    else:
        waiting = max(_crowding(shape, workload, drawn, kv_bytes=kv_bytes), count / (num_slots or count)) - 1
        steps, per_step, once = (
            longest + waiting * drawn.mean(limit),
            _vllm_step_seconds(shape, workload),
            _ROUND_SECONDS,
        )
        decoded = count * drawn.mean(limit)
        # Sum over a completion's tokens of what stands before each: prompt x length + length^2 / 2.
        tokens_read = count * (prompt * drawn.mean(limit) + drawn.mean_square(limit) / 2)
    token_bytes = kv_bytes_per_token(shape, bytes_per_number=workload.compute_bytes)
    bytes_read = steps * served_weight_bytes(shape, workload) + tokens_read * token_bytes
    prefill = 2 * shape.linear_params * prompt * count / flops_per_second(workload, card, tokens=prompt * count)
    reading = bytes_read / (card.bandwidth_bytes_per_second * BANDWIDTH_SHARE)
    return reading + _products_seconds(shape, workload, card, num_tokens=decoded) + steps * per_step + prefill + once


def _products_seconds(shape: ModelShape, workload: Workload, card: Card, *, num_tokens: float) -> float:
    """Seconds of the products of decoded tokens on a CPU; a card does them while it reads the weights."""
    if not workload.on_cpu:
        return 0.0
    operations = 2 * (shape.linear_params + shape.embedding_params) * num_tokens
    return operations / flops_per_second(workload, card, tokens=num_tokens)


def _crowding(shape: ModelShape, workload: Workload, lengths: LengthDistribution, *, kv_bytes: int) -> float:
    """Return how many times the KV cache would have to hold what runs at the fullest moment; at least 1.

    Where it is full, as many sequences run as it holds and the others wait: the engine needs the steps of a mean
    completion for each time more, and the longest one's at the end.
    """
    count, limit = workload.completions_per_engine, workload.completion_tokens
    prompt = workload.prompt_tokens * MEAN_PROMPT_SHARE

    def sequence_bytes(tokens: float) -> int:
        return sequence_kv_bytes(shape, tokens=round(prompt + tokens), bytes_per_number=workload.compute_bytes)

    if count * sequence_bytes(limit) <= kv_bytes:
        return 1.0
    moments = (limit * (number + 1) / _NUM_MOMENTS for number in range(_NUM_MOMENTS))
    fullest = max(lengths.alive(tokens * (1 - 1e-9)) * sequence_bytes(tokens) for tokens in moments)
    return min(max(1.0, count * fullest / max(1, kv_bytes)), count)


def _vllm_step_seconds(shape: ModelShape, workload: Workload) -> float:
    adapter = 0.0 if workload.method == "full" else _ADAPTER_LAYER_SECONDS * shape.num_layers
    return _VLLM_STEP_SECONDS + adapter
