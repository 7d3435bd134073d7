"""The end of a run whose single completion does not fit."""

from leanrl.config.schema import RunConfig
from leanrl.environment import host_memory_bytes
from leanrl.errors import LeanRLError, StoppedError
from leanrl.planner.fixes import micro_batch_changes, with_changes
from leanrl.planner.leaner import leaner_settings
from leanrl.planner.target import is_on_cpu
from leanrl.planner.this_machine import plan_here
from leanrl.run_folder import RunFolder
from leanrl.trainer.device import gpu_here

_WITHOUT_PLAN = "a shorter -s rollout.max_completion_tokens"


def stop_for_memory(config: RunConfig, run: RunFolder, *, step: int, what: str, num_ranks: int) -> StoppedError:
    """Return the error that ends the run, with the changes that take less memory.

    Args:
        step: the number of the step that could not be taken.
        what: the micro-batch that did not fit.
        num_ranks: with more than one no smaller micro-batch was tried.
    """
    smallest = "the smallest micro-batch there is" if num_ranks == 1 else f"on one of {num_ranks} ranks"
    complete = run.complete_checkpoints()
    kept = f"{complete[-1].name} holds what was trained before." if complete else "No checkpoint was written yet."
    fixes = "; or ".join(_fixes(config, num_ranks=num_ranks))
    go_on = f"; `leanrl train --resume {run.path}` goes on where more memory is free" if complete else ""
    return StoppedError(
        f"memory ran out in step {step} with {what}, {smallest}. {kept}", hint=f"in a new run {fixes}{go_on}"
    )


def _fixes(config: RunConfig, *, num_ranks: int) -> tuple[str, ...]:
    """Return the plan's changes, cheapest first; smaller micro-batches only where none was tried."""
    try:
        tried = with_changes(config, micro_batch_changes(config, 1)) if num_ranks == 1 else config
        gpu = None if is_on_cpu(config) else gpu_here(config.hardware.num_gpus)
        plan, _ = plan_here(tried, gpu=gpu, host_bytes=host_memory_bytes())
        return leaner_settings(tried, plan) or (_WITHOUT_PLAN,)
    except LeanRLError:  # no plan can be made, for a model of an unknown shape: the run still ends with its own error
        return (_WITHOUT_PLAN,)
