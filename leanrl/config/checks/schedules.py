"""Schedules that cannot be followed: steps out of order, values out of bounds, keys that something else moves."""

from collections.abc import Iterator
from itertools import pairwise

from pydantic import ValidationError

from leanrl.config.scheduled import SECTIONS, active_schedules
from leanrl.config.schema import RunConfig
from leanrl.config.sections.schedules import Schedule
from leanrl.errors import Problem
from leanrl.hints import setting

# What these need of the run, a reference policy or the entropy's gradient, is made and planned at the start.
_FROM_THE_START = ("kl_beta", "entropy_coef")


def schedule_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield everything that keeps a schedule from being followed; `where` names the keys."""
    for name in SECTIONS:
        schedule = getattr(config.schedules, name)
        if schedule.steps or schedule.values:
            yield from _form(name, schedule)
            yield from _bounds(name, schedule, config)
            yield from _needs(name, schedule, config)
    yield from _reset(config)
    yield from _automatic_length(config)
    active = active_schedules(config)
    if active and config.backend == "unsloth":
        keys = ", ".join(f"schedules.{name}" for name in active)
        yield Problem(f"backend, {keys}", "unsloth's step has no schedules", setting("backend", "hf"))
    controlled = [name for name in active if SECTIONS[name] == "algorithm"]
    if controlled and config.algorithm.after_step:
        keys = ", ".join(f"schedules.{name}" for name in controlled)
        yield Problem(
            f"algorithm.after_step, {keys}",
            "a plug-in and a schedule would both move keys of the loss",
            setting("algorithm.after_step", "null"),
        )


def _reset(config: RunConfig) -> Iterator[Problem]:
    where, every = "schedules.reset_reference_every_steps", config.schedules.reset_reference_every_steps
    if every is None:
        return
    off = setting(where, None)
    if config.algorithm.kl_beta == 0.0:
        needed = setting("algorithm.kl_beta", 1.0e-3)
        yield Problem(f"{where}, algorithm.kl_beta", "a run without a KL has no reference policy", needed)
    per_rollout = config.steps_per_rollout
    if every % per_rollout:
        what = f"{every} steps end within a rollout, which serves {per_rollout}"
        yield Problem(where, what, setting(where, per_rollout * -(-every // per_rollout)))
    if config.backend == "unsloth":
        yield Problem(f"{where}, backend", "unsloth's step has no schedules", setting("backend", "hf"))
    if config.shares_weights:
        what = "ranks share the reference in parts (FSDP2), and no checkpoint has those"
        yield Problem(f"{where}, hardware.parallel", what, f"{setting('hardware.parallel', 'ddp')}, or {off}")


def _automatic_length(config: RunConfig) -> Iterator[Problem]:
    where, first = "schedules.automatic_length.from_tokens", config.schedules.automatic_length.from_tokens
    limit = config.rollout.max_completion_tokens
    if first is None:
        return
    if first > limit:
        what = f"{first} tokens are more than the {limit} that memory is planned for"
        yield Problem(f"{where}, rollout.max_completion_tokens", what, setting("rollout.max_completion_tokens", first))
    if config.schedules.max_completion_tokens.steps:
        what = "the limit cannot follow stages and grow by itself"
        yield Problem(f"{where}, schedules.max_completion_tokens.steps", what, setting(where, None))
    if config.backend == "unsloth":
        yield Problem(f"{where}, backend", "unsloth's step has no schedules", setting("backend", "hf"))


def _form(name: str, schedule: Schedule) -> Iterator[Problem]:
    where = f"schedules.{name}.steps, schedules.{name}.values"
    if len(schedule.steps) != len(schedule.values):
        counts = f"{len(schedule.steps)} steps have {len(schedule.values)} values"
        yield Problem(where, counts, f"give each step its value: -s schedules.{name}.values='[...]'")
    elif schedule.steps[0] != 0 or any(later <= earlier for earlier, later in pairwise(schedule.steps)):
        yield Problem(
            f"schedules.{name}.steps",
            f"{schedule.steps} does not rise from 0",
            f"-s schedules.{name}.steps='{sorted({0, *schedule.steps})}' with as many values",
        )


def _bounds(name: str, schedule: Schedule, config: RunConfig) -> Iterator[Problem]:
    section = type(getattr(config, SECTIONS[name]))
    for value in schedule.values:
        typed = int(value) if name == "max_completion_tokens" and value.is_integer() else value
        try:
            section.model_validate({name: typed})
        except ValidationError as error:
            said = error.errors()[0]["msg"].removeprefix("Input ").replace("should", "has to")
            where = f"schedules.{name}.values"
            yield Problem(where, f"{value:g} {said}", f"the bounds are those of {SECTIONS[name]}.{name}")
    if name == "max_completion_tokens" and schedule.between != "stages":
        yield Problem(
            f"schedules.{name}.between",
            "a limit of tokens moves in stages",
            setting(f"schedules.{name}.between", "stages"),
        )


def _needs(name: str, schedule: Schedule, config: RunConfig) -> Iterator[Problem]:
    highest = max(schedule.values, default=0.0)
    where = f"schedules.{name}.values, {SECTIONS[name]}.{name}"
    if name == "max_completion_tokens" and highest > config.rollout.max_completion_tokens:
        yield Problem(
            where,
            f"{highest:g} tokens are more than the {config.rollout.max_completion_tokens} that memory is planned for",
            setting("rollout.max_completion_tokens", int(highest)),
        )
    if name in _FROM_THE_START and highest > 0.0 and getattr(config.algorithm, name) == 0.0:
        yield Problem(
            where,
            f"the run is prepared for algorithm.{name}=0 and would need {highest:g}",
            setting(f"algorithm.{name}", highest),
        )
