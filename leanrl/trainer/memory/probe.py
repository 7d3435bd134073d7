"""The probe: the longest micro-batch that can occur, run before step 1, so that what does not fit fails at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from leanrl.config.schema import RunConfig
from leanrl.engine.rows import MicroBatch, StepRow
from leanrl.engine.step import score_micro_batch, train_micro_batch
from leanrl.errors import DoesNotFitError
from leanrl.planner.prediction import Plan
from leanrl.planner.search.leaner import leaner_settings, optimizer_state_bytes
from leanrl.prompting.rendering import prompt_ids
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.memory.actual import record_probe
from leanrl.trainer.memory.unused_memory import give_back_unused
from leanrl.trainer.passes.reference import open_reference
from leanrl.trainer.ranks.meeting import first_of_ranks, highest_of_ranks
from leanrl.types import Listener

_GIB = 2**30


def probe_longest_batch(trainer: LeanGRPOTrainer, *, plan: Plan | None, listener: Listener) -> None:
    """Score the longest micro-batch and compute its gradients, then undo all of it; nothing where it is not wanted.

    Steps after it are bit for bit those of a run without it. Room for the optimizer's state is held meanwhile: from
    the second step on it is there. A model that ranks share has to be in shards by now.

    Where memory runs out, half of the kept layers are given back, until none is left. All ranks end with the same
    verdict, whichever of them has too little. Only a rank that shares its model ends by itself where memory runs out:
    the others wait inside an exchange of shards, where no verdict reaches them, and whoever started the ranks ends
    them.

    Raises:
        DoesNotFitError: where memory runs out; on a CPU also where more is used than the plan may use.
    """
    config = trainer.lean_config
    if not is_wanted(config, device_type=trainer.accelerator.device.type):
        return
    rows = longest_rows(trainer)
    held_bytes = 0 if plan is None else optimizer_state_bytes(plan)
    while (shortage := _shortage(trainer, rows, plan, held_bytes=held_bytes)) is not None:
        num_kept = trainer.budget.kept_layers
        if not trainer.budget.give_layers_back():
            raise _does_not_fit(config, rows, plan, what=shortage)
        listener.warn(
            f"The longest batch that can occur, {_name(rows)}, ran out of memory with train.kept_layers {num_kept}: "
            f"{trainer.budget.kept_layers} layers keep their activations."
        )
    peaks = trainer.meter.take()
    if trainer.accelerator.is_main_process:
        record_probe(trainer.run, peaks=peaks, num_completions=len(rows), row_tokens=rows[0].num_tokens)
    used_bytes = highest_of_ranks(max(peak.allocated_bytes for peak in peaks.values()))
    _require_planned_share(config, rows, plan, used_bytes=used_bytes)
    listener.say(f"probe: {_name(rows)} took {used_bytes / _GIB:.1f} GiB")


def _shortage(trainer: LeanGRPOTrainer, rows: list[StepRow], plan: Plan | None, *, held_bytes: int) -> str | None:
    """Run the micro-batch and return what any rank ran out of; None where all had enough."""
    shortage = None
    try:
        with _leaving_no_trace(trainer):
            _run(trainer, rows, held_bytes=held_bytes)
    except torch.OutOfMemoryError as error:
        shortage = f"ran out of memory: {error}"
        if trainer.is_fsdp_enabled:
            raise _does_not_fit(trainer.lean_config, rows, plan, what=shortage) from error
    return first_of_ranks(shortage)


def is_wanted(config: RunConfig, *, device_type: str) -> bool:
    """Return whether a run is probed: `train.probe` auto probes a GPU, where it costs seconds."""
    if config.backend == "unsloth":  # the engine has no part in its steps
        return False
    return config.train.probe == "always" or (config.train.probe == "auto" and device_type == "cuda")


def longest_rows(trainer: LeanGRPOTrainer) -> list[StepRow]:
    """Return a full micro-batch of the longest prompt with completions of full length."""
    config = trainer.lean_config
    template_kwargs = config.model.chat_template_kwargs
    longest = max((prompt_ids(trainer.processing_class, row.prompt, template_kwargs) for row in trainer.rows), key=len)
    # Which tokens they are changes no size; the prompt's last one exists in every vocabulary.
    completion = [longest[-1]] * config.rollout.max_completion_tokens
    num_rows = min(config.full_completions_per_micro_batch, config.rows_per_rank)
    row = StepRow(prompt_ids=longest, completion_ids=completion, advantage=1.0, weight=1.0 / num_rows)
    return [row] * num_rows


def _run(trainer: LeanGRPOTrainer, rows: list[StepRow], *, held_bytes: int) -> None:
    held = torch.ones(held_bytes, dtype=torch.uint8, device=trainer.accelerator.device)
    micro_batch = trainer.step_pass.lay_out(rows)
    if trainer.lean_config.algorithm.kl_beta > 0:
        opened = open_reference(trainer)
        with trainer.meter.phase("reference"), trainer.accelerator.autocast(), opened() as reference:
            score_micro_batch(reference, micro_batch, temperature=trainer.step_pass.settings.temperature)
    with trainer.meter.phase("forward_backward"):
        if trainer.lean_config.micro_batches_per_step > 1:
            _leave_earlier_gradients(trainer, micro_batch)
        _add_gradients(trainer, micro_batch)
    del held


def _add_gradients(trainer: LeanGRPOTrainer, micro_batch: MicroBatch) -> None:
    with trainer.accelerator.autocast():
        train_micro_batch(
            trainer.model, micro_batch, settings=trainer.step_pass.settings, backward=trainer.accelerator.backward
        )


def _leave_earlier_gradients(trainer: LeanGRPOTrainer, micro_batch: MicroBatch) -> None:
    """Leave what earlier micro-batches leave. FSDP2 holds it in a place of its own: only a pass brings it there."""
    if trainer.is_fsdp_enabled:
        with trainer.accelerator.no_sync(trainer.model):
            _add_gradients(trainer, micro_batch)
    else:
        _hold_gradients(trainer.model)


def _hold_gradients(model: nn.Module) -> None:
    """Give every trained weight a gradient: those of earlier micro-batches are there when a later one runs."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.grad = torch.zeros_like(weight)


@contextmanager
def _leaving_no_trace(trainer: LeanGRPOTrainer) -> Iterator[None]:
    """Run as in a training step, then put back mode, checkpointing, gradients and torch's random state.

    The engine draws random numbers from torch alone (dropout).
    """
    model, device = trainer.model, trainer.accelerator.device
    was_training, was_checkpointing = model.training, model.is_gradient_checkpointing
    trainer.rollout.engine.sleep()  # a colocated engine sleeps while gradients are computed, and wakes to generate
    model.train()
    if trainer.args.gradient_checkpointing and not was_checkpointing:
        model.gradient_checkpointing_enable(trainer.args.gradient_checkpointing_kwargs)
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            yield
    finally:
        model.zero_grad(set_to_none=True)
        model.train(was_training)
        if not was_checkpointing and model.is_gradient_checkpointing:
            model.gradient_checkpointing_disable()
        give_back_unused(device)


def _require_planned_share(config: RunConfig, rows: list[StepRow], plan: Plan | None, *, used_bytes: int) -> None:
    """Refuse a CPU run that leaves the system too little; there is no out-of-memory error to wait for."""
    if plan is None or plan.device != "cpu" or used_bytes <= plan.gpus[0].usable_bytes:
        return
    usable = f"{plan.gpus[0].usable_bytes / _GIB:.1f} GiB"
    raise _does_not_fit(config, rows, plan, what=f"took {used_bytes / _GIB:.1f} GiB of the {usable} that may be used")


def _does_not_fit(config: RunConfig, rows: list[StepRow], plan: Plan | None, *, what: str) -> DoesNotFitError:
    fixes = () if plan is None else leaner_settings(config, plan)
    return DoesNotFitError(
        f"the longest batch that can occur, {_name(rows)}, {what}",
        hint="; or ".join(fixes) or "a shorter -s rollout.max_completion_tokens, or `-s train.probe=never` to go on",
    )


def _name(rows: list[StepRow]) -> str:
    prompt, completion = len(rows[0].prompt_ids), len(rows[0].completion_ids)
    return f"{len(rows)} completions of {prompt} + {completion} tokens"
