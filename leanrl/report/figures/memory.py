"""The memory of a run, phase by phase: what was planned by component, the limit, and the peaks that were measured."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from leanrl.report.quantities import bytes_text
from leanrl.report.run_data import Record, RunData

# Colours of the page; smaller components go together.
_MOST_COMPONENTS = 8
OTHER = "everything else"
# A limit this many times the largest bar would leave the bars too short to read.
_FAR = 3.0
_TITLES = {"train": "A card that trains", "rollout": "A card that generates"}


@dataclass(frozen=True)
class MemoryChart:
    """Bytes of one kind of card; every component and every measured peak has a value for each phase, or None.

    `reserved` is what the allocator held for the `allocated` bytes; a CPU has no such number.
    """

    slug: str
    title: str
    caption: str
    phases: list[str]
    components: dict[str, list[int]]
    limit_bytes: int | None = None
    allocated: list[int | None] = field(default_factory=list)
    reserved: list[int | None] = field(default_factory=list)

    @property
    def largest_bytes(self) -> int:
        """The longest bar, or the highest peak where that is higher."""
        bars = [sum(sizes) for sizes in zip(*self.components.values(), strict=True)]
        peaks = [value for value in (*self.allocated, *self.reserved) if value is not None]
        return max([*bars, *peaks], default=0)

    @property
    def is_limit_far(self) -> bool:
        return self.limit_bytes is not None and self.limit_bytes > _FAR * self.largest_bytes

    @property
    def is_measured(self) -> bool:
        return any(value is not None for value in self.allocated)


def memory_charts(data: RunData) -> list[MemoryChart]:
    """Return a chart for each kind of card in the plan; nothing where no plan has phases.

    Peaks are measured on a card that trains, and cards of a kind are planned alike.
    """
    kinds: dict[str, Record] = {}
    for gpu in _records(data.plan.get("gpus")):
        if any(_components(phase) for phase in _records(gpu.get("phases"))):
            kinds.setdefault(str(gpu.get("role")), gpu)
    return [_chart(data, role, gpu, is_only=len(kinds) == 1) for role, gpu in kinds.items()]


def _chart(data: RunData, role: str, gpu: Record, *, is_only: bool) -> MemoryChart:
    planned = {str(phase.get("name")): _components(phase) for phase in _records(gpu.get("phases"))}
    peaks = {} if role == "rollout" else _highest_peaks(data)
    phases = [*planned, *(name for name in peaks if name not in planned)]
    allocated = [peaks[name][0] if name in peaks else None for name in phases]
    reserved = [peaks[name][1] if name in peaks else None for name in phases]
    limit = gpu.get("usable_bytes")
    chart = MemoryChart(
        slug="memory" if role != "rollout" else "memory-rollout",
        title="Memory by phase" if is_only else _TITLES.get(role, role),
        caption="",
        phases=phases,
        components=_by_component([planned.get(name, {}) for name in phases]),
        limit_bytes=limit if isinstance(limit, int) else None,
        allocated=allocated,
        reserved=reserved,
    )
    return replace(chart, caption=_caption(data, chart))


def _caption(data: RunData, chart: MemoryChart) -> str:
    place = "this machine lets a run use" if data.plan.get("device") == "cpu" else "the card offers"
    parts = ["Bars: predicted, where each phase is at its largest."]
    if chart.is_limit_far:
        parts.append(f"What {place}, {bytes_text(chart.limit_bytes)}, lies far beyond the figure.")
    elif chart.limit_bytes is not None:
        parts.append(f"Dashed line: what {place}.")
    if chart.is_measured:
        source = data.plan.get("actual_source")
        parts.append(f"Diamonds: the highest measured so far{f' ({source})' if source else ''}.")
    if any(value is not None for value in chart.reserved):
        parts.append("Hollow: what the allocator held for it.")
    return " ".join(parts)


def _by_component(phases: Sequence[Mapping[str, int]]) -> dict[str, list[int]]:
    """Return the bytes of each component over the phases, what stays longest first; small ones go together."""
    names = list(dict.fromkeys(name for phase in phases for name in phase))
    largest = {name: max(phase.get(name, 0) for phase in phases) for name in names}
    num_phases = {name: sum(name in phase for phase in phases) for name in names}
    by_size = sorted(names, key=lambda name: -largest[name])
    num_shown = _MOST_COMPONENTS - (len(names) > _MOST_COMPONENTS)
    shown = sorted(by_size[:num_shown], key=lambda name: (-num_phases[name], -largest[name]))
    columns = {name: [phase.get(name, 0) for phase in phases] for name in shown}
    rest = by_size[num_shown:]
    return columns | ({OTHER: [sum(phase.get(name, 0) for name in rest) for phase in phases]} if rest else {})


def _highest_peaks(data: RunData) -> dict[str, tuple[int, int | None]]:
    """Return the highest allocated and reserved bytes of each phase over all entries of the plan's actual side."""
    peaks: dict[str, tuple[int, int | None]] = {}
    for entry in _records(data.plan.get("actual")):
        for phase in _records(entry.get("phases")):
            allocated, reserved = phase.get("allocated_bytes"), phase.get("reserved_bytes")
            if not isinstance(allocated, int):
                continue
            before, held = peaks.get(str(phase.get("name")), (0, None))
            known = [value for value in (held, reserved) if isinstance(value, int)]
            peaks[str(phase.get("name"))] = (max(before, allocated), max(known, default=None))
    return peaks


def _components(phase: Record) -> dict[str, int]:
    found = phase.get("components")
    pairs = found.items() if isinstance(found, dict) else ()
    return {str(name): size for name, size in pairs if isinstance(size, int) and size > 0}


def _records(values: Any) -> Iterator[Record]:
    yield from (value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()
