"""Seconds of a step, by roofline: generation from bytes read, training from operations, the rest from bytes moved.

Nothing here was measured by leanrl, and no constant was fitted to a run: docs/planning.md states what the estimate
makes of two published runs, and how far off it is.
"""

from dataclasses import dataclass

from leanrl.planner.cards import Card
from leanrl.planner.kv_cache import kv_bytes_per_token
from leanrl.planner.optimizer_state import is_in_host_memory
from leanrl.planner.rollout_engine import engine_weight_bytes, served_weight_bytes, wanted_kv_bytes
from leanrl.planner.shapes import ModelShape
from leanrl.planner.weights import trained_params
from leanrl.planner.workload import Workload

# Shares of the data sheet's rates that such work usually reaches.
BANDWIDTH_SHARE = 0.8
COMPUTE_SHARE = 0.4
# A decoding step beside its reads: scheduling and launches in vLLM; `model.generate` launches layer by layer.
_VLLM_STEP_SECONDS = 0.0025
_GENERATE_LAYER_SECONDS = 0.001
# Launching the kernels of one layer, forward and backward, for each micro-batch.
_LAUNCH_LAYER_SECONDS = 0.002
# PCIe 4.0 x16 as it is met between cards; host memory as one socket offers it; disk-backed memory written and read.
_EXCHANGE_BYTES_PER_SECOND = 12e9
_HOST_BYTES_PER_SECOND = 20e9
_HANDOVER_BYTES_PER_SECOND = 2e9
# Grading, tokenising, logging.
_BOOKKEEPING_SECONDS = 2.0


@dataclass(frozen=True)
class Lengths:
    """How long texts are, as shares of their limits; one completion of each batch is taken to reach the limit."""

    mean_prompt_share: float = 0.5
    mean_completion_share: float = 0.8


@dataclass(frozen=True)
class StepTime:
    """Seconds of one optimizer step by what they are spent on."""

    generation: float
    reference: float
    gradients: float
    exchange: float
    sync: float
    optimizer: float
    bookkeeping: float = _BOOKKEEPING_SECONDS

    @property
    def seconds(self) -> float:
        return (
            self.generation
            + self.reference
            + self.gradients
            + self.exchange
            + self.sync
            + self.optimizer
            + self.bookkeeping
        )


def estimate_step(
    shape: ModelShape, workload: Workload, card: Card, *, kv_bytes: int, lengths: Lengths | None = None
) -> StepTime:
    """Return the seconds of a step, averaged over the steps that share one batch of completions."""
    lengths = lengths or Lengths()
    reuse = workload.num_iterations * workload.updates_per_rollout
    flops = _flops_per_second(workload, card)
    return StepTime(
        generation=generation_seconds(shape, workload, card, kv_bytes=kv_bytes, lengths=lengths) / reuse,
        reference=_scoring_passes(workload) * _scoring_operations(shape, workload, lengths) / flops,
        gradients=_training_operations(shape, workload, lengths) / flops
        + workload.num_micro_batches * shape.num_layers * _LAUNCH_LAYER_SECONDS,
        exchange=_exchange_bytes(shape, workload) / _EXCHANGE_BYTES_PER_SECOND,
        sync=_sync_seconds(shape, workload) / reuse,
        optimizer=_optimizer_seconds(shape, workload, card),
    )


def generation_seconds(shape: ModelShape, workload: Workload, card: Card, *, kv_bytes: int, lengths: Lengths) -> float:
    """Seconds until the last completion of a step is made.

    Each decoding step reads the weights once and the keys and values of all running sequences. Where those of a
    full batch do not fit together, fewer sequences run at a time and the steps are as many times more.
    """
    sequences = workload.completions_per_engine
    crowding = 1.0 if workload.engine == "hf" else wanted_kv_bytes(shape, workload) / max(1, kv_bytes)
    steps = workload.completion_tokens * min(max(1.0, crowding), sequences)
    prompt = workload.prompt_tokens * lengths.mean_prompt_share
    completion = workload.completion_tokens * lengths.mean_completion_share
    # Sum over a completion's tokens of what stands before each.
    tokens_read = sequences * completion * (prompt + completion / 2)
    token_bytes = kv_bytes_per_token(shape, bytes_per_number=workload.compute_bytes)
    bytes_read = steps * served_weight_bytes(shape, workload) + tokens_read * token_bytes
    per_step = _VLLM_STEP_SECONDS if workload.engine != "hf" else _GENERATE_LAYER_SECONDS * shape.num_layers
    prefill = 2 * _body_params(shape) * prompt * sequences / _flops_per_second(workload, card)
    return bytes_read / (card.bandwidth_bytes_per_second * BANDWIDTH_SHARE) + steps * per_step + prefill


def laid_out_row_tokens(workload: Workload, lengths: Lengths) -> tuple[float, float]:
    """(tokens, scored tokens) of a row as the trainer lays it out: packed, or padded to the longest beside it.

    A padded micro-batch of one has rows of the mean length; the larger it is, the nearer its rows are to the limit.
    """
    share = lengths.mean_completion_share
    if not workload.packs_rows:
        share += (1 - share) * (1 - 1 / workload.micro_batch_completions)
    scored = workload.completion_tokens * share
    return workload.prompt_tokens * lengths.mean_prompt_share + scored, scored


def _training_operations(shape: ModelShape, workload: Workload, lengths: Lengths) -> float:
    """Operations of a rank's forward and backward passes; a frozen weight has no gradient of its own."""
    tokens, scored = laid_out_row_tokens(workload, lengths)
    forwards = 1 if workload.activations == "kept" else 2
    backwards = 2 if workload.method == "full" else 1
    body = 2 * _body_params(shape) * tokens * (forwards + backwards)
    attention = _attention_operations(shape, tokens) * (forwards + 2)
    # Our head is computed again in the backward pass, with or without checkpointing.
    head = 2 * shape.embedding_params * scored * (2 + backwards)
    return workload.completions_per_rank * (body + attention + head)


def _scoring_passes(workload: Workload) -> float:
    """Return how often a step's completions are scored without a gradient, averaged over the steps on a rollout.

    The reference scores them once. So does the policy that has sampled where they are used in several steps, or where
    dropout keeps the training pass from standing for it; with dropout every step but a rollout's first scores anew.
    """
    updates = workload.updates_per_rollout
    is_reused = workload.num_iterations * updates > 1
    has_reference = workload.reference != "none"
    is_dropped = workload.lora_dropout > 0 and (is_reused or has_reference or workload.engine != "hf")
    once = has_reference + (is_reused or is_dropped)
    return (once + (workload.num_iterations - 1 / updates if is_dropped else 0)) / workload.num_iterations


def _scoring_operations(shape: ModelShape, workload: Workload, lengths: Lengths) -> float:
    tokens, scored = laid_out_row_tokens(workload, lengths)
    row = 2 * _body_params(shape) * tokens + _attention_operations(shape, tokens) + 2 * shape.embedding_params * scored
    return workload.completions_per_rank * row


def _attention_operations(shape: ModelShape, tokens: float) -> float:
    """Scores and weighted values of one causal row: two products over half of all pairs; mixers see a token once."""
    num_attending = shape.num_layers - shape.num_stateful_layers
    mixing = shape.num_stateful_layers * shape.mixer.operations * tokens if shape.mixer else 0
    return 2 * tokens * tokens * shape.query * num_attending + mixing


def _exchange_bytes(shape: ModelShape, workload: Workload) -> float:
    """Bytes a rank sends and receives in a step: gathered weights of each micro-batch, gradients once."""
    if workload.num_ranks == 1:
        return 0.0
    share = (workload.num_ranks - 1) / workload.num_ranks
    gradients = 4 * trained_params(shape, workload) * share
    if not workload.is_fsdp:
        return 2 * gradients
    gathers = workload.num_micro_batches * (1 if workload.sharding == "fsdp2" else 2)
    return gradients + gathers * shape.num_params * workload.compute_bytes * share


def _sync_seconds(shape: ModelShape, workload: Workload) -> float:
    """Weights (or the adapter) to the engine; a sleeping engine's weights come back from host memory, and leave."""
    if workload.engine == "hf":
        return 0.0
    moved = workload.compute_bytes * trained_params(shape, workload)
    handover = moved / (_HANDOVER_BYTES_PER_SECOND if workload.engine == "vllm-server" else _EXCHANGE_BYTES_PER_SECOND)
    sleeps = workload.engine == "vllm-colocate" and workload.residency == "asleep"
    return handover + sleeps * 2 * engine_weight_bytes(shape, workload) / _EXCHANGE_BYTES_PER_SECOND


def _optimizer_seconds(shape: ModelShape, workload: Workload, card: Card) -> float:
    """Adam reads weights, gradients and two moments, and writes all but the gradients: about 28 bytes a parameter."""
    shards = workload.num_ranks if workload.is_fsdp or workload.sharding.startswith("zero") else 1
    moved = 28 * trained_params(shape, workload) / shards
    if is_in_host_memory(workload):
        across = 8 * trained_params(shape, workload) / shards / _EXCHANGE_BYTES_PER_SECOND
        return moved / _HOST_BYTES_PER_SECOND + across
    return moved / (card.bandwidth_bytes_per_second * BANDWIDTH_SHARE)


def _body_params(shape: ModelShape) -> int:
    return shape.linear_params


def _flops_per_second(workload: Workload, card: Card) -> float:
    return card.flops(workload.compute_bytes) * COMPUTE_SHARE
