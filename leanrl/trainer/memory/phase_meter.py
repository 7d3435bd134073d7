"""PhaseMeter: the real peak and the seconds of every phase of a step, under the planner's names.

What is read comes from a gauge (`trainer/memory/gauges.py`) and a clock; this file only decides which phase a reading
belongs to.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from leanrl.planner.phases import PhaseName


@dataclass(frozen=True)
class Peak:
    """The most bytes of a stretch of work; `reserved_bytes` is what an allocator held for it, None without one."""

    allocated_bytes: int
    reserved_bytes: int | None = None


# Grading takes time and no memory that the planner counts; an evaluation takes no more than a rollout.
MeteredPhase = PhaseName | Literal["grading", "evaluation"]
Peaks = Mapping[MeteredPhase, Peak]
Seconds = Mapping[MeteredPhase, float]


class Gauge(Protocol):
    """Reads a device's memory; `source` says in words what is read."""

    device: Literal["cuda", "cpu"]
    source: str

    def read(self) -> Peak:
        """Return the most bytes since the last reset, once the device has done what it was given."""
        ...

    def reset(self) -> None:
        """Count from what is held now."""
        ...


class PhaseMeter:
    """Attributes peaks and seconds to phases; of phases within each other the innermost has them.

    Whatever happens before the first phase ends counts as `first`: a process is metered from its start.
    `clock` returns seconds from any start.
    """

    def __init__(
        self, gauge: Gauge, *, first: MeteredPhase = "load", clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.gauge = gauge
        self._clock = clock
        self._open: list[MeteredPhase] = [first]
        self._peaks: dict[MeteredPhase, Peak] = {}
        self._seconds: dict[MeteredPhase, float] = {}
        self._highest_bytes = 0
        self._since = clock()

    @contextmanager
    def phase(self, name: MeteredPhase) -> Iterator[None]:
        """Meter what runs inside as the phase `name`."""
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    def begin(self, name: MeteredPhase) -> None:
        """Open a phase that ends elsewhere in the code."""
        self._close_stretch()
        self._open.append(name)

    def end(self) -> None:
        """Close the innermost open phase."""
        self._close_stretch()
        self._open.pop()

    def split(self) -> None:
        """Begin a new stretch of the innermost open phase: what was given back to the device is in use again."""
        self._close_stretch()

    def take(self) -> dict[MeteredPhase, Peak]:
        """Return the peak of every phase that was closed since the last call, and start anew."""
        taken, self._peaks = self._peaks, {}
        return taken

    def take_seconds(self) -> dict[MeteredPhase, float]:
        """Return the seconds of every phase since the last call, without those of phases within it; start anew."""
        taken, self._seconds = self._seconds, {}
        return taken

    def highest_bytes(self) -> int:
        """Return the most bytes held since the meter was made, within phases and between them."""
        return max(self._highest_bytes, self.gauge.read().allocated_bytes)

    def _close_stretch(self) -> None:
        peak = self.gauge.read()
        self.gauge.reset()
        self._highest_bytes = max(self._highest_bytes, peak.allocated_bytes)
        now = self._clock()
        if self._open:
            name = self._open[-1]
            self._peaks[name] = highest(self._peaks.get(name), peak)
            self._seconds[name] = self._seconds.get(name, 0.0) + now - self._since
        self._since = now


def highest(first: Peak | None, second: Peak) -> Peak:
    """Return the larger bytes of two stretches, each kind on its own."""
    if first is None:
        return second
    reserved = [peak.reserved_bytes for peak in (first, second) if peak.reserved_bytes is not None]
    return Peak(max(first.allocated_bytes, second.allocated_bytes), max(reserved, default=None))


def highest_of_each(first: Peaks, second: Peaks) -> dict[MeteredPhase, Peak]:
    """Return the larger peak of every phase that either of them has."""
    return {**first, **{name: highest(first.get(name), peak) for name, peak in second.items()}}


def as_records(peaks: Peaks) -> list[dict[str, Any]]:
    """Return peaks as they stand in plan.json: name, allocated and reserved bytes of each phase."""
    return [
        {"name": name, "allocated_bytes": peak.allocated_bytes, "reserved_bytes": peak.reserved_bytes}
        for name, peak in peaks.items()
    ]
