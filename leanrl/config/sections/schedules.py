"""Schedules: numbers of a run that change with its steps, as pure functions of the step."""

import math
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field

from leanrl.config.sections.field_types import Finite, Fraction, NonNegative, NonNegativeInt, PositiveInt
from leanrl.config.sections.section import Section, key


class Schedule(Section):
    """One number by steps; it stays at its last value."""

    steps: list[NonNegativeInt] = key([], "steps from which or at which `values` hold, from 0 on; empty: no schedule")
    values: list[Finite] = key([], "the value at each of `steps`")
    between: Literal["stages", "linear", "cosine"] = key(
        "stages", "between two steps: the earlier value, a straight line, or half a cosine wave"
    )

    def at(self, step: int) -> float:
        """Return the value of the step that follows `step` others."""
        for (begin, low), (end, high) in pairwise(zip(self.steps, self.values, strict=True)):
            if begin <= step < end:
                return low + (high - low) * self._done((step - begin) / (end - begin))
        return self.values[-1]

    def _done(self, share: float) -> float:
        """Return the fraction of the way between two values after a fraction of the steps between them."""
        if self.between == "stages":
            return 0.0
        return share if self.between == "linear" else (1.0 - math.cos(math.pi * share)) / 2.0


class AutomaticLength(Section):
    """Longer completions when more of them are cut and no more are right."""

    from_tokens: PositiveInt | None = key(
        None, "first limit of completions, up to rollout.max_completion_tokens, for which memory is planned; null: none"
    )
    factor: Annotated[float, Field(gt=1.0, allow_inf_nan=False)] = key(1.25, "by which the limit grows each time")
    window_rollouts: PositiveInt = key(20, "rollouts that are compared with as many before them")
    truncated_share: Fraction = key(0.1, "least fraction of truncated completions of a window that makes them longer")
    least_gain: NonNegative = key(0.01, "rise of the correct share over the window before that counts as a gain")


class SchedulesConfig(Section):
    """A value holds from the first step of a rollout to its last."""

    max_completion_tokens: Schedule = key(
        Schedule(), "limit of completions, in stages, up to rollout.max_completion_tokens, for which memory is planned"
    )
    automatic_length: AutomaticLength = key(
        AutomaticLength(), "limit of completions that grows by itself, in place of stages"
    )
    temperature: Schedule = key(Schedule(), "of sampling, in place of rollout.temperature")
    kl_beta: Schedule = key(Schedule(), "in place of algorithm.kl_beta, which has to be above 0 for a reference policy")
    clip_low: Schedule = key(Schedule(), "in place of algorithm.clip_low")
    clip_high: Schedule = key(Schedule(), "in place of algorithm.clip_high")
    entropy_coef: Schedule = key(Schedule(), "in place of algorithm.entropy_coef, which has to be above 0")
    reset_reference_every_steps: PositiveInt | None = key(
        None, "steps after which the policy becomes its own reference and the optimizer forgets its moments (ProRL)"
    )
