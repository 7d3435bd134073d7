"""MemoryMeter: the real peak of every phase of a step, under the planner's names.

What is read comes from a gauge (`trainer/gauges.py`); this file only decides which phase a reading belongs to.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from leanrl.planner.phases import PhaseName


@dataclass(frozen=True)
class Peak:
    """The most bytes of a stretch of work; `reserved_bytes` is what an allocator held for it, None without one."""

    allocated_bytes: int
    reserved_bytes: int | None = None


Peaks = Mapping[PhaseName, Peak]


class Gauge(Protocol):
    """Reads a device's memory; `source` says in words what is read."""

    device: Literal["cuda", "cpu"]
    source: str

    def read(self) -> Peak:
        """Return the most bytes since the last reset."""
        ...

    def reset(self) -> None:
        """Count from what is held now."""
        ...


class MemoryMeter:
    """Attributes peaks to phases; of phases within each other the innermost has it.

    Whatever happens before the first phase ends counts as `first`: a process is metered from its start.
    """

    def __init__(self, gauge: Gauge, *, first: PhaseName = "load") -> None:
        self.gauge = gauge
        self._open: list[PhaseName] = [first]
        self._peaks: dict[PhaseName, Peak] = {}
        self._highest_bytes = 0

    @contextmanager
    def phase(self, name: PhaseName) -> Iterator[None]:
        """Meter what runs inside as the phase `name`."""
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    def begin(self, name: PhaseName) -> None:
        """Open a phase that ends elsewhere in the code."""
        self._close_stretch()
        self._open.append(name)

    def end(self) -> None:
        """Close the innermost open phase."""
        self._close_stretch()
        self._open.pop()

    def take(self) -> dict[PhaseName, Peak]:
        """Return the peak of every phase that was closed since the last call, and start anew."""
        taken, self._peaks = self._peaks, {}
        return taken

    def highest_bytes(self) -> int:
        """Return the most bytes held since the meter was made, within phases and between them."""
        return max(self._highest_bytes, self.gauge.read().allocated_bytes)

    def _close_stretch(self) -> None:
        peak = self.gauge.read()
        self.gauge.reset()
        self._highest_bytes = max(self._highest_bytes, peak.allocated_bytes)
        if self._open:
            name = self._open[-1]
            self._peaks[name] = highest(self._peaks.get(name), peak)


def highest(first: Peak | None, second: Peak) -> Peak:
    """Return the larger bytes of two stretches, each kind on its own."""
    if first is None:
        return second
    reserved = [peak.reserved_bytes for peak in (first, second) if peak.reserved_bytes is not None]
    return Peak(max(first.allocated_bytes, second.allocated_bytes), max(reserved, default=None))


def highest_of_each(first: Peaks, second: Peaks) -> dict[PhaseName, Peak]:
    """Return the larger peak of every phase that either of them has."""
    return {**first, **{name: highest(first.get(name), peak) for name, peak in second.items()}}


def as_records(peaks: Peaks) -> list[dict[str, Any]]:
    """Return peaks as they stand in plan.json: name, allocated and reserved bytes of each phase."""
    return [
        {"name": name, "allocated_bytes": peak.allocated_bytes, "reserved_bytes": peak.reserved_bytes}
        for name, peak in peaks.items()
    ]
