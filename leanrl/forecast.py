"""The plan of a run on this machine, made before its model is loaded."""

from leanrl.config.schema import RunConfig
from leanrl.environment import host_memory_bytes, installed_vllm
from leanrl.errors import MissingError, NoFormulaError
from leanrl.planner.fit import with_planned_micro_batch
from leanrl.planner.plan import Plan
from leanrl.planner.this_machine import Gpu, plan_here, require_fit
from leanrl.types import Listener


def plan_that_fits(config: RunConfig, *, force: bool, listener: Listener) -> Plan | None:
    """Return the plan, or None, with a warning, where the model's shape cannot be had.

    Raises:
        DoesNotFitError: if it does not fit; not with `force`.
    """
    try:
        predicted, note = plan_here(
            config, gpu=_gpu_here(config), host_bytes=host_memory_bytes(), vllm=installed_vllm()
        )
    except (MissingError, NoFormulaError) as error:
        listener.warn(f"no plan is made: {error.message}")
        return None
    if note is not None:
        listener.say(note)
    if not force:
        require_fit(predicted)
    return predicted


def with_chosen_micro_batch(config: RunConfig, predicted: Plan | None, listener: Listener) -> RunConfig:
    """Return the config with the token budget that the plan chose where it is auto, and say so."""
    chosen = with_planned_micro_batch(config, predicted)
    if chosen != config:
        listener.say(
            f"train.max_tokens_per_micro_batch is auto: {chosen.train.max_tokens_per_micro_batch}, "
            f"{chosen.full_completions_per_micro_batch} of {config.completions_per_rank} completions of full length"
        )
    return chosen


def _gpu_here(config: RunConfig) -> Gpu | None:
    if config.hardware.is_cpu:
        return None
    from leanrl.trainer.device import gpu_here

    return gpu_here(config.hardware.num_gpus)
