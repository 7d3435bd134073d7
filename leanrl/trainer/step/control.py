"""The values of keys that a plug-in of `after_step` or a schedule changes while a run goes on."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from leanrl.config.scheduled import SECTIONS, active_schedules, scheduled, scheduled_values
from leanrl.config.schema import RunConfig
from leanrl.engine.settings import LossSettings
from leanrl.errors import PluginError


def _is_at_least_0(value: float) -> bool:
    return value >= 0.0


# By dotted key: what a value has to be (config.schema, AlgorithmConfig), in words and as a test.
_CONTROLLED: dict[str, tuple[str, Callable[[float], bool]]] = {
    "algorithm.entropy_coef": ("at least 0", _is_at_least_0),
    "algorithm.kl_beta": ("at least 0", _is_at_least_0),
    "algorithm.clip_low": ("between 0 and 1", lambda value: 0.0 <= value <= 1.0),
    "algorithm.clip_high": ("above 0", lambda value: value > 0.0),
}


def controlled(settings: LossSettings, changes: Mapping[str, float], *, has_reference: bool) -> LossSettings:
    """Return the settings with new values of dotted keys.

    Raises:
        PluginError: for a key that is fixed, a value out of its bounds, or a KL in a run without a reference.
    """
    for key, value in changes.items():
        if key not in _CONTROLLED:
            raise PluginError(
                f"The plug-in of algorithm.after_step sets {key}, which stays as it is while a run goes on.",
                hint=f"it may set {', '.join(_CONTROLLED)}",
            )
        words, is_allowed = _CONTROLLED[key]
        if not (math.isfinite(value) and is_allowed(value)):
            raise PluginError(
                f"The plug-in of algorithm.after_step sets {key} to {value}.", hint=f"it has to be {words}"
            )
        if key == "algorithm.kl_beta" and value != 0.0 and not has_reference:
            raise PluginError(
                f"The plug-in of algorithm.after_step sets {key} to {value}, and the run has no reference policy.",
                hint="-s algorithm.kl_beta=1.0e-6 makes one from the start",
            )
    return replace(settings, **{key.removeprefix("algorithm."): value for key, value in changes.items()})


def controlled_values(settings: LossSettings) -> dict[str, float]:
    """Return what `controlled` may have changed, by dotted key."""
    return {key: getattr(settings, key.removeprefix("algorithm.")) for key in _CONTROLLED}


def scheduled_settings(settings: LossSettings, config: RunConfig, step: int) -> LossSettings:
    """Return the settings with the values that schedules have in the rollout after `step` optimizer steps.

    Without a schedule, the value that a plug-in has set stays.
    """
    config = scheduled(config, step)
    values = {
        name: getattr(config.algorithm, name) for name in active_schedules(config) if SECTIONS[name] == "algorithm"
    }
    return replace(settings, temperature=config.logprob_temperature, **values)


def schedule_metrics(config: RunConfig, step: int, *, max_completion_tokens: int) -> dict[str, float]:
    """Return what is recorded of schedules in the rollout after `step` optimizer steps.

    Args:
        max_completion_tokens: the limit of the rollout, which an automatic length decides.
    """
    metrics = {f"schedule/{name}": value for name, value in scheduled_values(config, step).items()}
    if config.schedules.automatic_length.from_tokens is not None:
        metrics["schedule/max_completion_tokens"] = max_completion_tokens
    every = config.schedules.reset_reference_every_steps
    if every is not None:
        metrics["schedule/reference_step"] = step - step % every
    return metrics
