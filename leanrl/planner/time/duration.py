"""Seconds of a step, by roofline: generation from bytes read, training from operations, the rest from bytes moved.

leanrl has measured nothing of this on a GPU. docs/planning.md compares it with public runs, and says which constants
were chosen with some of them in view.
"""

from dataclasses import dataclass

from leanrl.planner.machine.cards import Card
from leanrl.planner.memory.optimizer_state import is_in_host_memory
from leanrl.planner.memory.rollout_engine import engine_weight_bytes
from leanrl.planner.memory.weights import mlp_weights, trained_params
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.time.compute_rate import BANDWIDTH_SHARE, flops_per_second
from leanrl.planner.time.length_profile import LengthProfile
from leanrl.planner.time.rollout_time import MEAN_PROMPT_SHARE, generation_seconds
from leanrl.planner.workload import Workload

# Launching the kernels of one layer, forward and backward, for each micro-batch.
_LAUNCH_LAYER_SECONDS = 0.002
# PCIe 4.0 x16 as it is met between cards; host memory as one socket offers it; disk-backed memory written and read.
_EXCHANGE_BYTES_PER_SECOND = 12e9
_HOST_BYTES_PER_SECOND = 20e9
_HANDOVER_BYTES_PER_SECOND = 2e9
# Grading, tokenising, logging.
_BOOKKEEPING_SECONDS = 2.0


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
    shape: ModelShape, workload: Workload, card: Card, *, kv_bytes: int, lengths: LengthProfile
) -> StepTime:
    """Return the seconds of a step, averaged over the steps that share one batch of completions."""
    reuse = workload.num_iterations * workload.updates_per_rollout
    rows = _Rows.of(workload, lengths)
    passes = _num_passes(workload, rows)
    flops = flops_per_second(workload, card, tokens=workload.rows_per_rank * rows.tokens / passes)
    return StepTime(
        generation=generation_seconds(shape, workload, card, kv_bytes=kv_bytes, lengths=lengths) / reuse,
        reference=_scoring_passes(workload) * _scoring_operations(shape, workload, rows) / flops,
        gradients=_training_operations(shape, workload, rows) / flops
        + passes * shape.num_layers * _LAUNCH_LAYER_SECONDS,
        exchange=_exchange_bytes(shape, workload, passes) / _EXCHANGE_BYTES_PER_SECOND,
        sync=_sync_seconds(shape, workload) / reuse,
        optimizer=_optimizer_seconds(shape, workload, card),
    )


@dataclass(frozen=True)
class _Rows:
    """A rank's rows as the trainer lays them out: mean tokens, mean scored tokens, and mean squared tokens."""

    tokens: float
    scored: float
    squared: float

    @classmethod
    def of(cls, workload: Workload, lengths: LengthProfile) -> "_Rows":
        """Packed rows are as long as they are. Padded ones are as long as the longest of their micro-batch."""
        limit, prompt = workload.completion_tokens, workload.prompt_tokens * MEAN_PROMPT_SHARE
        drawn = lengths.distribution
        if workload.packs_rows:
            mean = drawn.mean(limit)
            return cls(prompt + mean, mean, prompt**2 + 2 * prompt * mean + drawn.mean_square(limit))
        longest = drawn.longest(workload.micro_batch_completions, limit)
        return cls(prompt + longest, longest, (prompt + longest) ** 2)


def _num_passes(workload: Workload, rows: _Rows) -> float:
    """Return the micro-batches of a rank's step; where tokens count, shorter rows need fewer."""
    if not workload.counts_tokens:
        return workload.num_micro_batches
    return max(1.0, workload.rows_per_rank * rows.tokens / workload.micro_batch_tokens)


def training_operations(shape: ModelShape, workload: Workload, lengths: LengthProfile) -> float:
    """Return the operations of a rank's forward and backward passes in a step."""
    return _training_operations(shape, workload, _Rows.of(workload, lengths))


def _training_operations(shape: ModelShape, workload: Workload, rows: _Rows) -> float:
    """Operations of a rank's forward and backward passes; a frozen weight has no gradient of its own."""
    again, mlps_again = _recomputed_shares(shape, workload)
    backwards = 2 if workload.method == "full" else 1
    mlps = _mlp_params(shape)
    passed = (shape.linear_params - mlps) * (1 + again + backwards) + mlps * (1 + mlps_again + backwards)
    body = 2 * passed * rows.tokens
    attention = _attention_operations(shape, rows) * (1 + again + 2)
    # Our head is computed again in the backward pass, with or without checkpointing.
    head = 2 * shape.embedding_params * rows.scored * (2 + backwards)
    return workload.rows_per_rank * (body + attention + head)


def _recomputed_shares(shape: ModelShape, workload: Workload) -> tuple[float, float]:
    """(layers, MLPs) that run forward again in the backward pass, as fractions; in tiles MLPs do, layers do not."""
    if workload.activations == "kept":
        return 0.0, float(workload.is_tiled)
    again = 1 - workload.kept_layers / max(1, shape.num_layers)
    return again, again


def _mlp_params(shape: ModelShape) -> int:
    """Weights of the MLPs of all layers; of a model counted on its modules they are not told from the others."""
    if shape.counted is not None:
        return shape.linear_params
    return sum(kind.num_layers * sum(mlp_weights(kind).values()) for kind in shape.layer_kinds)


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


def _scoring_operations(shape: ModelShape, workload: Workload, rows: _Rows) -> float:
    body, head = 2 * shape.linear_params * rows.tokens, 2 * shape.embedding_params * rows.scored
    return workload.rows_per_rank * (body + _attention_operations(shape, rows) + head)


def _attention_operations(shape: ModelShape, rows: _Rows) -> float:
    """Scores and weighted values of one causal row: two products over half of all pairs; mixers see a token once."""
    mixing = shape.num_stateful_layers * shape.mixer.operations * rows.tokens if shape.mixer else 0
    queries = sum((kind.num_layers - kind.num_stateful_layers) * kind.query for kind in shape.layer_kinds)
    return 2 * rows.squared * queries + mixing


def _exchange_bytes(shape: ModelShape, workload: Workload, passes: float) -> float:
    """Bytes a rank sends and receives in a step: gathered weights of each micro-batch, gradients once."""
    if workload.num_ranks == 1:
        return 0.0
    share = (workload.num_ranks - 1) / workload.num_ranks
    gradients = 4 * trained_params(shape, workload) * share
    if not workload.is_fsdp:
        return 2 * gradients
    gathers = passes * (1 if workload.sharding == "fsdp2" else 2)
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
