"""The plan of a run on this machine, made before its model is loaded."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from leanrl.config.schema import RunConfig
from leanrl.errors import MissingError, NoFormulaError, SimulationError
from leanrl.machine.environment import gpu_names, host_memory_bytes, installed_vllm
from leanrl.planner.automatic import with_chosen
from leanrl.planner.machine.card_names import known_card, recognise_card
from leanrl.planner.machine.this_machine import Gpu, plan_here, require_fit, tight_warning
from leanrl.planner.plan import Plan, plan_run
from leanrl.simulate.kept import simulated_model
from leanrl.types import Listener

Answer = TypeVar("Answer")


def _keep_silent(_: str) -> None:
    """Hear nothing."""


def plan_that_fits(config: RunConfig, *, force: bool, listener: Listener, typed: Sequence[str] = ()) -> Plan | None:
    """Return the plan, or None, with a warning, where the model's shape cannot be had.

    `typed` are the flags of preset and settings as a user gave them, for the command in a refusal.

    Raises:
        DoesNotFitError: if it does not fit; not with `force`.
    """
    here = partial(plan_here, config, gpu=_gpu_here(config), host_bytes=host_memory_bytes(), vllm=installed_vllm())
    try:
        predicted, note = _by_formula_or_simulation(config, here, say=listener.say)
    except (MissingError, NoFormulaError, SimulationError) as error:
        listener.warn(f"no plan is made: {error.message}")
        return None
    if note is not None:
        listener.say(note)
    if not force:
        require_fit(predicted, typed=typed)
    if predicted.verdict == "tight":
        listener.warn(tight_warning(predicted))
    return predicted


def make_plan(config: RunConfig, *, say: Callable[[str], None] = _keep_silent, **choices: Any) -> Plan:
    """Return the predicted memory, time and cost of a run; `choices` are those of `planner.plan.plan_run`.

    A model that the closed form does not know is simulated: `say` hears it.
    """
    known = {"host_bytes": planned_host_bytes(config), "vllm": installed_vllm(), **choices}
    return _by_formula_or_simulation(config, partial(plan_run, config, **known), say=say)


def planned_host_bytes(config: RunConfig) -> int | None:
    """Return this machine's memory where the run is planned for its CPU or for a card that it has; else None."""
    if config.hardware.is_cpu:
        return host_memory_bytes()
    card = known_card(config.hardware.gpu)
    is_here = card is not None and any(recognise_card(name, card.usable_bytes) is card for name in gpu_names())
    return host_memory_bytes() if is_here else None


def _by_formula_or_simulation(config: RunConfig, plan: Callable[..., Answer], *, say: Callable[[str], None]) -> Answer:
    """Return what `plan` makes by the closed form or, where it has no formula, of a simulated step.

    Raises:
        NoFormulaError: where neither is possible, with both reasons.
    """
    try:
        return plan()
    except NoFormulaError as error:
        no_formula = error
    say(f"{no_formula.message.splitlines()[0]}")
    try:
        return plan(measured=simulated_model(config, say=say))
    except SimulationError as error:
        raise NoFormulaError(f"{no_formula.message} {error.message}", hint=error.hint or no_formula.hint) from None


def with_chosen_settings(config: RunConfig, predicted: Plan | None, listener: Listener) -> RunConfig:
    """Return the config with what the plan chose for settings that are auto, and say so."""
    chosen = with_chosen(config, predicted)
    if chosen.train.max_tokens_per_micro_batch != config.train.max_tokens_per_micro_batch:
        listener.say(
            f"train.max_tokens_per_micro_batch is auto: {chosen.train.max_tokens_per_micro_batch}, "
            f"{chosen.full_completions_per_micro_batch} of {config.rows_per_rank} completions of full length"
        )
    if chosen.train.gradient_checkpointing != config.train.gradient_checkpointing:
        num_layers = "the model's" if predicted is None else predicted.shape.num_layers
        listener.say(
            f"train.gradient_checkpointing is auto: train.kept_layers is {chosen.train.kept_layers}, so that "
            f"{chosen.train.kept_layers} of {num_layers} layers keep their activations and the others are recomputed"
        )
    return chosen


def _gpu_here(config: RunConfig) -> Gpu | None:
    if config.hardware.is_cpu:
        return None
    from leanrl.trainer.ranks.device import gpu_here

    return gpu_here(config.hardware.num_gpus)
