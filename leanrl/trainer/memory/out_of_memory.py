"""The end of a run that memory ran out in, and could not go on."""

from leanrl.config.schema import RunConfig
from leanrl.errors import LeanRLError, StoppedError
from leanrl.hints import command
from leanrl.machine.environment import host_memory_bytes, installed_vllm
from leanrl.planner.machine.this_machine import plan_here
from leanrl.planner.search.fixes import micro_batch_changes, with_changes
from leanrl.planner.search.leaner import leaner_settings
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.memory.token_budget import Shortage, TokenBudget
from leanrl.trainer.ranks.device import gpu_here

_WITHOUT_PLAN = "a shorter -s rollout.max_completion_tokens"


def stop_for_memory(config: RunConfig, run: RunFolder, *, step: int, shortage: Shortage) -> StoppedError:
    """Return the error that ends a run whose single completion does not fit, with the changes that take less memory.

    Args:
        step: the number of the step that could not be taken.
        shortage: the micro-batch that did not fit.
    """
    go_on = (
        f"; `{command('train', '--resume', run.path)}` goes on where more memory is free"
        if _has_checkpoint(run)
        else ""
    )
    fixes = "; or ".join(_fixes(with_changes(config, micro_batch_changes(config, 1) | {"train.kept_layers": 0})))
    return StoppedError(
        f"memory ran out in step {step} with {shortage}, the smallest micro-batch there is. {_kept(run)}",
        hint=f"in a new run {fixes}{go_on}",
    )


def stop_among_ranks(
    config: RunConfig, run: RunFolder, *, budget: TokenBudget, step: int, shortage: Shortage
) -> StoppedError:
    """Return the error that ends a rank while others wait for it in an exchange.

    Args:
        budget: what a run that goes on will have.
        step: the number of the step that could not be taken.
        shortage: the micro-batch that did not fit.
    """
    if not _has_checkpoint(run) or budget.is_exhausted:
        hint = f"in a new run {'; or '.join(_fixes(config))}"
    else:
        resume = command("train", "--resume", run.path)
        hint = f"`{resume}` goes on with {budget.limits}"
    return StoppedError(
        f"memory ran out in step {step} with {shortage}, while the other ranks waited for this one in an exchange: the "
        f"step cannot be redone. {_kept(run)}",
        hint=hint,
    )


def _has_checkpoint(run: RunFolder) -> bool:
    return bool(run.complete_checkpoints())


def _kept(run: RunFolder) -> str:
    if not _has_checkpoint(run):
        return "No checkpoint was written yet."
    return f"{run.complete_checkpoints()[-1].name} holds what was trained before."


def _fixes(config: RunConfig) -> tuple[str, ...]:
    """Return the plan's changes, cheapest first."""
    try:
        gpu = None if config.hardware.is_cpu else gpu_here(config.hardware.num_gpus)
        vllm = installed_vllm()
        plan, _ = plan_here(config, gpu=gpu, host_bytes=host_memory_bytes(), vllm=vllm)
        return leaner_settings(config, plan, vllm=vllm) or (_WITHOUT_PLAN,)
    except LeanRLError:  # no plan can be made, for a model of an unknown shape: the run still ends with its own error
        return (_WITHOUT_PLAN,)
