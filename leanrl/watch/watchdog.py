"""Watchdog: reads the metrics of each step, warns of what goes wrong, and says when a run falls apart.

Its state is a function of the metrics so far: a resumed run shows it the lines of metrics.jsonl again.
"""

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.watch.advice import advice
from leanrl.watch.judged import JudgedReward, JudgedSignal, Judgement
from leanrl.watch.signals import reward_of, signals_of
from leanrl.watch.trend import Trend
from leanrl.watch.words import described, no_reward_text

# The reward of a step is the noisiest of all signals: its window is as many times as long.
_REWARD_WINDOWS = 2
# Kinds of evidence that make a fault together, where none of them is beyond a bound to act at.
_KINDS_OF_A_FAULT = 2


@dataclass(frozen=True)
class Fault:
    """A run that falls apart.

    `since_step` is the first step that may have been part of it: the longest window before its first signal went bad.
    """

    step: int
    since_step: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Sight:
    """What a step showed: warnings that are new, and the fault that has lasted long enough to act on."""

    warnings: tuple[str, ...] = ()
    fault: Fault | None = None


class Watchdog:
    """Judges the steps of one run in their order.

    Args:
        config: of the run; `watchdog` has the bounds, the rest is read for advice.
        restarts: steps that the run went back to, or whose fault was none: after each a fault has to last anew.
    """

    def __init__(self, config: RunConfig, *, restarts: Collection[int] = ()) -> None:
        self._config = config
        self._restarts = restarts
        self._bounds = bounds = config.watchdog
        trends = {"baseline_steps": bounds.baseline_steps, "window_steps": bounds.window_steps}
        self._signals = [JudgedSignal(signal, Trend(**trends), bounds.deviations) for signal in signals_of(bounds)]
        trends["window_steps"] *= _REWARD_WINDOWS
        self._reward = JudgedReward(
            Trend(**trends, typical=statistics.fmean),
            bounds.deviations,
            bounds.reward_fall_warn,
            bounds.reward_fall_act,
        )
        self._since: dict[str, int] = {}  # of each signal that is bad: its first step
        self._well_for: dict[str, int] = {}  # of each signal that was told of: steps since it was bad
        self._faulty_for = 0
        self._num_rewards, self._was_rewarded = 0, False

    def see(self, metrics: Mapping[str, Any]) -> Sight:
        """Take the metrics of the next step (an object of metrics.jsonl)."""
        if self._bounds.level == "off":
            return Sight()
        step = int(metrics["step"])
        judged = self._judged(metrics)
        bad = [one for one in judged if one.health != "well"]
        limit = metrics.get("schedule", {}).get("max_completion_tokens")
        told = [*self._no_reward(metrics), *self._new_warnings(judged, step, limit=limit)]
        self._since = {one.name: self._since.get(one.name, step) for one in bad}
        self._faulty_for = self._faulty_for + 1 if _is_fault(bad) and step not in self._restarts else 0
        return Sight(tuple(told), self._fault(bad, step))

    def bad_since(self, step: int) -> int:
        """Return the first step that may be part of a fault which is found after `step`."""
        longest_window = _REWARD_WINDOWS * self._bounds.window_steps
        return max(1, min([*self._since.values(), step]) - longest_window)

    def _judged(self, metrics: Mapping[str, Any]) -> list[Judgement]:
        """Return the judgements of the signals that this step has measured and whose first steps are over."""
        judged = []
        reward = reward_of(metrics)
        if reward is not None:
            self._reward.add(reward)
            if self._reward.trend.is_known:
                judged.append(self._reward.judge())
        is_up = self._reward.is_up
        for one in self._signals:
            value = one.signal.value(metrics)
            if value is not None:
                one.trend.add(value)
                if one.trend.is_known:
                    judged.append(one.judge(is_reward_up=is_up))
        return judged

    def _no_reward(self, metrics: Mapping[str, Any]) -> list[str]:
        """Return the warning that no completion of the first steps earned anything, once."""
        reward, wanted = reward_of(metrics), self._bounds.no_reward_steps
        if reward is None or wanted is None:
            return []
        self._num_rewards += 1
        self._was_rewarded = self._was_rewarded or reward != 0.0 or bool(metrics.get("reward_std"))
        is_due = self._num_rewards == wanted and not self._was_rewarded
        return [no_reward_text(self._config, num_steps=wanted)] if is_due else []

    def _new_warnings(self, judged: list[Judgement], step: int, *, limit: int | None) -> list[str]:
        """Return a text for each signal that went bad and had been well for a window."""
        told = []
        for one in judged:
            if one.health == "well":
                self._well_for[one.name] = self._well_for.get(one.name, self._bounds.window_steps) + 1
                continue
            if self._well_for.get(one.name, self._bounds.window_steps) >= self._bounds.window_steps:
                what = advice(one.name, self._config, limit=limit)
                told.append(f"Step {step}: {described(one, self._bounds)}. {what}")
            self._well_for[one.name] = 0
        return told

    def _fault(self, bad: list[Judgement], step: int) -> Fault | None:
        if self._faulty_for < self._bounds.act_steps:
            return None
        return Fault(step, self.bad_since(step), tuple(described(one, self._bounds) for one in bad))


def _is_fault(bad: list[Judgement]) -> bool:
    """Return whether one signal is beyond its bound to act at, or two kinds of evidence agree."""
    return any(one.health == "act" for one in bad) or len({one.kind for one in bad}) >= _KINDS_OF_A_FAULT
