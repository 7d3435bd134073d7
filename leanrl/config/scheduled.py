"""The config as its schedules have it at a step."""

from leanrl.config.schema import RunConfig
from leanrl.config.sections.schedules import Schedule

# By the name of a schedule: the section whose key of this name it moves.
SECTIONS = {
    "max_completion_tokens": "rollout",
    "temperature": "rollout",
    "kl_beta": "algorithm",
    "clip_low": "algorithm",
    "clip_high": "algorithm",
    "entropy_coef": "algorithm",
}


def active_schedules(config: RunConfig) -> dict[str, Schedule]:
    """Return the schedules that have steps, by name."""
    schedules = {name: getattr(config.schedules, name) for name in SECTIONS}
    return {name: schedule for name, schedule in schedules.items() if schedule.steps}


def scheduled_values(config: RunConfig, step: int) -> dict[str, float]:
    """Return the value of each schedule in the rollout of the step that follows `step` others."""
    begun = step - step % config.steps_per_rollout
    values = {name: schedule.at(begun) for name, schedule in active_schedules(config).items()}
    if "max_completion_tokens" in values:
        values["max_completion_tokens"] = int(values["max_completion_tokens"])
    return values


def length_stages(config: RunConfig) -> tuple[tuple[int, int], ...]:
    """Return the first step, counted from 0, and the limit of completions of each stage; none without stages."""
    schedule, per_rollout = config.schedules.max_completion_tokens, config.steps_per_rollout
    begins = (per_rollout * -(-step // per_rollout) for step in schedule.steps)
    return tuple(zip(begins, map(int, schedule.values), strict=True))


def resets_reference(config: RunConfig, step: int) -> bool:
    """Return whether the reference policy is reset before the rollout of the step that follows `step` others."""
    every = config.schedules.reset_reference_every_steps
    return every is not None and step > 0 and step % every == 0


def scheduled(config: RunConfig, step: int) -> RunConfig:
    """Return the config with the values that hold in the rollout of the step that follows `step` others."""
    by_section: dict[str, dict[str, float]] = {}
    for name, value in scheduled_values(config, step).items():
        by_section.setdefault(SECTIONS[name], {})[name] = value
    sections = {name: getattr(config, name).model_copy(update=values) for name, values in by_section.items()}
    return config.model_copy(update=sections) if sections else config
