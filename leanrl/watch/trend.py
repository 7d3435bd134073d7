"""Trend: the first steps of a signal, and the window of its last ones."""

import math
import statistics
from collections import deque
from collections.abc import Callable, Iterable

# The standard error of a median is this many times that of a mean (normal noise: sqrt(pi / 2)).
_OF_A_MEDIAN = math.sqrt(math.pi / 2)


class Trend:
    """The values of one signal, in the order of their steps.

    Args:
        baseline_steps: how many first values are the baseline.
        window_steps: how many last values `level` is of.
        typical: what a window comes to: a median, which one bad step does not move, or a mean.
    """

    def __init__(
        self,
        *,
        baseline_steps: int,
        window_steps: int,
        typical: Callable[[Iterable[float]], float] = statistics.median,
    ) -> None:
        self._baseline_steps = baseline_steps
        self._typical = typical
        self._first: list[float] = []
        self._last: deque[float] = deque(maxlen=window_steps)
        self.baseline = self._deviation = math.nan

    def add(self, value: float) -> None:
        """Take the value of the next step."""
        self._last.append(value)
        if len(self._first) < self._baseline_steps:
            self._first.append(value)
            if len(self._first) == self._baseline_steps:
                self.baseline = statistics.fmean(self._first)
                self._deviation = statistics.stdev(self._first)

    @property
    def is_known(self) -> bool:
        """Whether the first steps are over and a window is full."""
        return len(self._first) == self._baseline_steps and len(self._last) == self._last.maxlen

    @property
    def level(self) -> float:
        """What the last window comes to."""
        return self._typical(self._last)

    @property
    def standard_error(self) -> float:
        """The standard error of `level` where its steps vary as the first ones did."""
        factor = 1.0 if self._typical is statistics.fmean else _OF_A_MEDIAN
        return factor * self._deviation / math.sqrt(len(self._last))
