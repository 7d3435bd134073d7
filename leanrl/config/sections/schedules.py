"""Schedules: numbers of a run that change with its steps, as pure functions of the step."""

import math
from itertools import pairwise
from typing import Literal

from leanrl.config.sections.field_types import Finite, NonNegativeInt
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


class SchedulesConfig(Section):
    """A value holds from the first step of a rollout to its last."""

    max_completion_tokens: Schedule = key(
        Schedule(), "limit of completions, in stages, up to rollout.max_completion_tokens, for which memory is planned"
    )
    temperature: Schedule = key(Schedule(), "of sampling, in place of rollout.temperature")
    kl_beta: Schedule = key(Schedule(), "in place of algorithm.kl_beta, which has to be above 0 for a reference policy")
    clip_low: Schedule = key(Schedule(), "in place of algorithm.clip_low")
    clip_high: Schedule = key(Schedule(), "in place of algorithm.clip_high")
    entropy_coef: Schedule = key(Schedule(), "in place of algorithm.entropy_coef, which has to be above 0")
