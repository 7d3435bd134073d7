"""One optimizer step of a run under fake tensors: the engine's own code, and the bytes that it holds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from peft import PeftModel
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import PretrainedConfig

from leanrl.config.schema import RunConfig
from leanrl.engine.cut import fill_up
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.layers.host_activations import Copies
from leanrl.engine.optimizers.own_parts import on_own_parts
from leanrl.engine.prepare import prepare_model
from leanrl.engine.rows import PACKED, PADDED, MicroBatch, StepRow
from leanrl.engine.settings import loss_settings
from leanrl.engine.step import score_micro_batch, train_micro_batch
from leanrl.planner.workload import Rows, untiled_rows
from leanrl.simulate import attention
from leanrl.simulate.buckets import Buckets
from leanrl.simulate.fake_model import materialise, meta_model, meta_policy, packs_rows
from leanrl.simulate.few_tiles import few_tiles
from leanrl.simulate.sharding import fake_ranks, shard, sync_gradients
from leanrl.simulate.stand_in_functions import cuda_functions
from leanrl.simulate.stand_ins import Adam8bit, visit_with_paged_state
from leanrl.simulate.tracker import CUDA_BLOCK_BYTES, PhasePeak, StorageTracker

_HIDDEN_BYTES = {
    torch.ops.aten._scaled_dot_product_flash_attention_backward.default: attention.flash_backward_bytes,
    torch.ops.aten._scaled_dot_product_efficient_attention_backward.default: attention.masked_backward_bytes,
    torch.ops.torch_attn._varlen_attn_backward.default: attention.flash_backward_bytes,
}
_HOST_OPTIMIZERS = ("adamw_8bit_paged", "adamw_offloaded")


def keep_silent(_: str) -> None:
    """Hear nothing."""


@dataclass(frozen=True)
class Simulation:
    """Peaks of the phases that a step has, and what stood in for code that cannot be traced."""

    phases: tuple[PhasePeak, ...]
    stand_ins: tuple[str, ...]

    @property
    def peak(self) -> PhasePeak:
        return max(self.phases, key=lambda phase: phase.bytes)


def simulate_step(
    config: RunConfig, model_config: PretrainedConfig, *, say: Callable[[str], None] = keep_silent
) -> Simulation:
    """Run one optimizer step with a micro-batch of the longest rows that a run can have; no GPU, no weights.

    Where these run in tiles, one that fits into one tile comes before it. Where a step has several, gradients of the
    one before exist.

    One rank is simulated: of sharded weights its part, of replicas its buckets and DDP's pass of one token too. The
    optimizer's state exists from the start, as in every step but the first.

    Args:
        config: the run; of its hardware only what one rank sees matters.
        model_config: the model's architecture as transformers knows it.
        say: hears what is done next, in a line each.
    """
    say(f"building {_size_text(model_config)}")
    policy = meta_policy(model_config, config.model)
    reference = meta_model(model_config, config.model).requires_grad_(False) if _has_reference_copy(config) else None
    num_shards = 1
    if config.shares_weights:
        # accelerate keeps trained shards in fp32, whatever dtype was loaded.
        num_shards, policy = config.num_train_ranks, policy.to(torch.float32)
    tracker = StorageTracker(block_bytes=CUDA_BLOCK_BYTES, operator_bytes=_HIDDEN_BYTES)
    with fake_ranks(num_shards) as mesh, FakeTensorMode(), _as_on_a_gpu():
        for model in filter(None, (policy, reference)):
            materialise(model)
            if num_shards > 1:
                shard(model, mesh)
        count_step(config, policy, reference=reference, tracker=tracker, say=say)
    return Simulation(phases=tuple(tracker.peaks), stand_ins=_stand_ins(config))


@contextmanager
def _as_on_a_gpu() -> Iterator[None]:
    with attention.cuda_attention(), cuda_functions(), few_tiles():
        yield


def count_step(
    config: RunConfig,
    policy: nn.Module,
    *,
    reference: nn.Module | None,
    tracker: StorageTracker,
    say: Callable[[str], None] = keep_silent,
) -> None:
    """Run the step on a model whose tensors exist, fake or real, and let `tracker` count what it allocates."""
    prepare_model(_bare(policy), config.train, copies=Copies(tracker.forget))
    if reference is not None:
        attach_logprob_head(reference)
    is_trained = [tensor.requires_grad for tensor in policy.parameters()]
    tracker.assign([*policy.parameters(), *policy.buffers()], "weights")
    if not all(is_trained):
        tracker.assign((tensor for tensor in policy.parameters() if tensor.requires_grad), "adapter")
    with tracker:
        buckets = _buckets(config, policy, tracker)
        with tracker.phase("load", category="weights"):
            pass
        if reference is not None:
            _place_reference(config, reference, tracker)
        optimizer = _optimizer(config, policy, tracker)
        scorer = _reference_scorer(config, policy, reference, tracker)
        _run_step(config, policy, optimizer, tracker, scorer, buckets, say)


def _bare(policy: nn.Module) -> nn.Module:
    return policy.get_base_model() if isinstance(policy, PeftModel) else policy


def _buckets(config: RunConfig, policy: nn.Module, tracker: StorageTracker) -> Buckets | None:
    if config.num_train_ranks == 1 or config.shares_weights:
        return None
    return Buckets([tensor for tensor in policy.parameters() if tensor.requires_grad], tracker)


def _run_step(
    config: RunConfig,
    policy: nn.Module,
    optimizer: torch.optim.Optimizer,
    tracker: StorageTracker,
    score_reference: Callable[[MicroBatch], Any] | None,
    buckets: Buckets | None,
    say: Callable[[str], None],
) -> None:
    _prepare_training(config, policy)
    settings = loss_settings(config)
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=config.model.compute_dtype == "bfloat16")
    reference_logprobs = None
    longest = _longest_rows(config)
    is_packed = config.packs_rows and packs_rows(_bare(policy))
    if score_reference is not None:
        say(f"scoring {_text(longest)} with the reference policy")
        with tracker.phase("reference", category="activations"), autocast:
            reference_logprobs = score_reference(_micro_batch(config, longest, is_packed=is_packed))[0]
    num_micro_batches = min(2, config.micro_batches_per_step)
    # Ranks that share weights hold whole gradients until the last micro-batch: there the one before it runs too.
    first = 0 if config.shares_weights else num_micro_batches - 1
    for rows in _trained_rows(config):
        policy.zero_grad()
        if first > 0:
            _make_gradients(policy, tracker)
        for index in range(first, num_micro_batches):
            say(f"micro-batch {index + 1} of {num_micro_batches}: {_text(rows)}, forward and backward")
            sync_gradients(policy, is_last=index == num_micro_batches - 1)
            with tracker.phase("forward_backward", category="activations"), autocast:
                micro_batch = _micro_batch(config, rows, is_packed=is_packed, reference_logprobs=reference_logprobs)
                train_micro_batch(policy, micro_batch, settings=settings)
                del micro_batch
        if buckets is not None:
            say("a pass of one token, in which ranks exchange gradients")
            (idle,) = fill_up([], count=1, pad_id=0)
            with tracker.phase("forward_backward", category="activations"), autocast, buckets.exchange():
                layout = PACKED if is_packed else PADDED
                train_micro_batch(policy, layout.lay_out(idle, pad_id=0, device="cpu"), settings=settings)
    say(f"optimizer step: {config.optimizer.name}")
    with tracker.phase("optimizer_step", category="optimizer buffers"):
        nn.utils.clip_grad_norm_(policy.parameters(), config.optimizer.max_grad_norm)
        optimizer.step()
        if config.optimizer.name == "adamw_8bit_paged":
            visit_with_paged_state(tensor for tensor in policy.parameters() if tensor.requires_grad)


def _make_gradients(policy: nn.Module, tracker: StorageTracker) -> None:
    """Leave what a micro-batch leaves; with less in memory from the start, its own peak is never the higher one."""
    trained = [tensor for tensor in policy.parameters() if tensor.requires_grad]
    for tensor in trained:
        tensor.grad = torch.zeros_like(tensor)
    tracker.assign([tensor.grad for tensor in trained if tensor.grad is not None], "gradients")


def _prepare_training(config: RunConfig, policy: nn.Module) -> None:
    policy.train()
    if config.train.gradient_checkpointing:
        policy.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def _optimizer(config: RunConfig, policy: nn.Module, tracker: StorageTracker) -> torch.optim.Optimizer:
    """Return the optimizer with its state, made as the first step makes it."""
    trained = [tensor for tensor in policy.parameters() if tensor.requires_grad]
    if config.optimizer.name.startswith("adamw_8bit"):
        optimizer = (on_own_parts(Adam8bit) if config.shares_weights else Adam8bit)(trained)
    else:
        optimizer = torch.optim.AdamW(trained, lr=1.0, fused=True)
    for tensor in trained:
        tensor.grad = torch.empty_like(tensor)
    optimizer.step()
    optimizer.zero_grad()
    state = [tensor for values in optimizer.state.values() for tensor in values.values()]
    if config.optimizer.name in _HOST_OPTIMIZERS:
        tracker.forget(state)
    else:
        tracker.assign(state, "optimizer state")
    for tensor in trained:
        tensor.register_post_accumulate_grad_hook(lambda owner: tracker.assign([owner.grad], "gradients"))
    return optimizer


def _place_reference(config: RunConfig, reference: nn.Module, tracker: StorageTracker) -> None:
    """Count the copy on the card, unless ranks share it and it lives in host memory: only its layers visit then."""
    if config.train.reference_device == "host" and config.shares_weights:
        tracker.forget(reference.parameters())
    else:
        tracker.assign(reference.parameters(), "reference")


def _has_reference_copy(config: RunConfig) -> bool:
    return config.algorithm.kl_beta > 0 and config.model.tuning.method == "full"


def _reference_scorer(
    config: RunConfig, policy: nn.Module, reference: nn.Module | None, tracker: StorageTracker
) -> Callable[[MicroBatch], Any] | None:
    """Return what scores a micro-batch with the reference policy: the policy without its adapter, or a copy."""
    if config.algorithm.kl_beta == 0:
        return None
    temperature = config.logprob_temperature

    def score_without_adapter(micro_batch: MicroBatch) -> Any:
        with cast("PeftModel", policy).disable_adapter():
            return score_micro_batch(policy, micro_batch, temperature=temperature)

    def score_with_copy(micro_batch: MicroBatch) -> Any:
        assert reference is not None
        logprobs_B_T = score_micro_batch(reference, micro_batch, temperature=temperature)
        if config.train.reference_device != "gpu":
            tracker.forget(reference.parameters())
        return logprobs_B_T

    return score_without_adapter if reference is None else score_with_copy


def _longest_rows(config: RunConfig) -> Rows:
    count = min(config.full_completions_per_micro_batch, max(1, config.rows_per_rank))
    return Rows(count, config.rollout.max_prompt_tokens, config.rollout.max_completion_tokens)


def _trained_rows(config: RunConfig) -> Iterator[Rows]:
    """The rows of the micro-batches that may hold most: the longest, and shorter ones that fit into one tile."""
    longest = _longest_rows(config)
    tile_tokens = config.train.tile_tokens
    if tile_tokens is not None and tile_tokens < longest.num_tokens:
        yield untiled_rows(longest.prompt_tokens, longest.completion_tokens, tile_tokens=tile_tokens)
    yield longest


def _micro_batch(config: RunConfig, rows: Rows, *, is_packed: bool, reference_logprobs: Any = None) -> MicroBatch:
    row = StepRow(
        prompt_ids=[0] * rows.prompt_tokens,
        completion_ids=[0] * rows.completion_tokens,
        advantage=1.0,
        weight=1.0,
        reference_logprobs=None if reference_logprobs is None else reference_logprobs[: rows.completion_tokens],
    )
    layout = PACKED if is_packed else PADDED
    return layout.lay_out([row] * rows.count, pad_id=0, device="cpu")


def _text(rows: Rows) -> str:
    counted = "1 row" if rows.count == 1 else f"{rows.count} rows"
    return f"{counted} of {rows.prompt_tokens + rows.completion_tokens:,} tokens"


def _size_text(model_config: PretrainedConfig) -> str:
    text = model_config.get_text_config()
    return f"{text.num_hidden_layers} layers of {text.model_type}, {text.hidden_size} wide, without weights"


def _stand_ins(config: RunConfig) -> tuple[str, ...]:
    found = []
    if config.model.tuning.method == "qlora":
        found.append("NF4 layers of bitsandbytes: their bytes, and a 16-bit copy of a weight while it multiplies")
    if config.optimizer.name.startswith("adamw_8bit"):
        found.append("8-bit Adam: two moments of one byte, and a scale of four bytes for 256 of them")
    if config.optimizer.name in _HOST_OPTIMIZERS:
        found.append("optimizer state in host memory: on the card only what visits it")
    return tuple(found)
