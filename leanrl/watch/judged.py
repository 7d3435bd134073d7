"""Judged: one signal or the reward, step by step, as well, bad or worse."""

from dataclasses import dataclass, field
from typing import Literal

from leanrl.watch.signals import Kind, Signal
from leanrl.watch.trend import Trend

Health = Literal["well", "warn", "act"]


@dataclass(frozen=True)
class Judgement:
    """What a window of a signal came to.

    `reference` is what it is compared with: the first steps, or the best window of the reward.
    """

    name: str
    kind: Kind
    health: Health
    level: float
    reference: float


@dataclass
class JudgedSignal:
    """Judges a signal against its bounds and against the first steps: a run that began beyond a bound is not sick."""

    signal: Signal
    trend: Trend
    deviations: float

    def judge(self, *, is_reward_up: bool) -> Judgement:
        """Return the judgement of the last window."""
        level, baseline = self.trend.level, self.trend.baseline
        return Judgement(self.signal.name, self.signal.kind, self._health(is_reward_up), level, baseline)

    def _health(self, is_reward_up: bool) -> Health:
        if not self._has_left() or (is_reward_up and self.signal.comes_with_learning):
            return "well"
        if self._is_beyond(self.signal.act):
            return "act"
        if self.signal.warn_share is not None:
            return "warn" if self._is_beyond(self.signal.warn_share * self.trend.baseline) else "well"
        return "warn" if self._is_beyond(self.signal.warn) else "well"

    def _has_left(self) -> bool:
        """Return whether the window left the first steps, the bad way and by more than noise."""
        signal, baseline = self.signal, self.trend.baseline
        way = -1.0 if signal.falls else 1.0
        change = way * (self.trend.level - baseline)
        is_many_times = signal.fold == 1.0 or self.trend.level > signal.fold * baseline
        return is_many_times and change > max(signal.min_change, self.deviations * self.trend.standard_error)

    def _is_beyond(self, bound: float | None) -> bool:
        if bound is None:
            return False
        level = self.trend.level - (self.trend.baseline if self.signal.is_rise else 0.0)
        return level < bound if self.signal.falls else level > bound


@dataclass
class JudgedReward:
    """Judges the mean reward against the best window of the run."""

    trend: Trend
    deviations: float
    warn: float | None
    act: float | None
    _best: float = field(default=float("-inf"), init=False)

    def add(self, value: float) -> None:
        """Take the mean reward of the next step."""
        self.trend.add(value)
        if self.trend.is_known:
            self._best = max(self._best, self.trend.level)

    def judge(self) -> Judgement:
        """Return the judgement of the last window."""
        lost = self._best - self.trend.level
        is_noise = lost <= self.deviations * self.trend.standard_error
        health: Health = "well"
        for name, share in (("warn", self.warn), ("act", self.act)):
            if share is not None and not is_noise and lost > share * abs(self._best):
                health = name  # type: ignore[assignment]
        return Judgement("reward", "reward", health, self.trend.level, self._best)

    @property
    def is_up(self) -> bool:
        """Whether the reward is above the first steps by more than noise, and has not fallen from its best."""
        if not self.trend.is_known or self.judge().health != "well":
            return False
        return self.trend.level - self.trend.baseline > self.deviations / 2 * self.trend.standard_error
