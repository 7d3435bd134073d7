"""What a run measured beside what its plan said: peak memory of each rank and seconds of each part of a step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from leanrl.planner.past_runs.step_seconds import PARTS, WHOLE_STEP, measured_seconds
from leanrl.report.run_data import Record, RunData, part

# How far a number may be from its plan before the report says why.
_FAR = 0.25
# Parts of a step that are planned and measured below this fraction of it explain nothing.
_SMALL_SHARE = 0.05


@dataclass(frozen=True)
class Compared:
    """A measured number beside the planned one; `planned` is None where the plan has no such number.

    `at_most` is the plan's upper estimate of bytes, `reserved` what an allocator held for the measured ones.
    """

    name: str
    unit: Literal["bytes", "seconds"]
    measured: float
    planned: float | None = None
    at_most: float | None = None
    reserved: float | None = None
    phase: str = ""

    @property
    def ratio(self) -> float | None:
        return self.measured / self.planned if self.planned else None

    @property
    def is_far(self) -> bool:
        """Whether it is off by more than a quarter: below the plan, or above the most that it allows for."""
        if not self.planned:
            return False
        return self.measured < (1 - _FAR) * self.planned or self.measured > (1 + _FAR) * (self.at_most or self.planned)

    def to_json(self) -> dict[str, Any]:
        values = {
            "name": self.name,
            "unit": self.unit,
            "planned": self.planned,
            "at_most": self.at_most,
            "measured": self.measured,
            "reserved": self.reserved,
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "phase": self.phase or None,
        }
        return {name: value for name, value in values.items() if value is not None}


def compare_memory(data: RunData) -> list[Compared]:
    """Return the peak of every rank that was measured beside the plan of its card; empty without either."""
    worst = planned_card(data)
    if worst is None:
        return []
    peaks = _peaks_of_ranks(data)
    names = ["peak memory"] if len(peaks) == 1 else [f"peak memory, rank {rank}" for rank in range(len(peaks))]
    planned, at_most = _number(worst.get("peak_bytes")), _number(worst.get("upper_bytes"))
    return [
        Compared(name, "bytes", allocated, planned, at_most, reserved, phase)
        for name, (allocated, reserved, phase) in zip(names, peaks, strict=True)
    ]


def planned_card(data: RunData) -> Record | None:
    """Return the plan of the fullest card that trains, or None without one."""
    gpus = [gpu for gpu in _records(data.plan.get("gpus")) if gpu.get("role") != "rollout"]
    return max(gpus, key=lambda gpu: _number(gpu.get("peak_bytes")) or 0.0, default=None)


def compare_seconds(data: RunData) -> list[Compared]:
    """Return the seconds of each part of a step, of the whole step and of a checkpoint beside the plan's."""
    measured = measured_seconds(data.steps, steps_per_rollout=_steps_per_rollout(data))
    time = data.plan.get("time")
    time = time if isinstance(time, Mapping) else {}
    parts = time.get("parts")
    planned = dict(parts) if isinstance(parts, Mapping) else {WHOLE_STEP: time.get("step_seconds")}
    found = [
        Compared(name, "seconds", measured[name], _number(planned.get(name)))
        for name in (*PARTS, WHOLE_STEP)
        if name in measured
    ]
    saves = [seconds for save in data.saves if (seconds := _number(save.get("seconds"))) is not None]
    return [*found, *([Compared("save", "seconds", median(saves))] if saves else [])]


def worth_a_sentence(compared: list[Compared]) -> list[Compared]:
    """Return what is far from its plan, without parts of a step that are small on both sides."""
    whole = next((one for one in compared if one.name == WHOLE_STEP), None)
    least = 0.0 if whole is None else _SMALL_SHARE * min(whole.measured, whole.planned or whole.measured)
    return [one for one in compared if one.is_far and max(one.measured, one.planned or 0.0) >= least]


def _peaks_of_ranks(data: RunData) -> list[tuple[float, float | None, str]]:
    """Return (allocated, reserved, phase) at the highest moment of each rank, of all entries and steps."""
    ranks: dict[int, list[tuple[float, float | None, str]]] = {}
    for entry in _records(data.plan.get("actual")):
        of_ranks = entry.get("ranks")
        for rank, phases in enumerate(of_ranks if isinstance(of_ranks, list) else [entry.get("phases")]):
            ranks.setdefault(rank, []).extend(
                (allocated, _number(phase.get("reserved_bytes")), str(phase.get("name")))
                for phase in _records(phases)
                if (allocated := _number(phase.get("allocated_bytes"))) is not None
            )
    device = "rss" if data.plan.get("device") == "cpu" else "cuda"
    logged = [_number(part(record, group="peak_bytes", name=device)) for record in [*data.steps, data.summary]]
    ranks.setdefault(0, []).extend((value, None, "") for value in logged if value is not None)
    return [_highest(peaks) for _, peaks in sorted(ranks.items()) if peaks]


def _highest(peaks: list[tuple[float, float | None, str]]) -> tuple[float, float | None, str]:
    allocated, _, phase = max(peaks, key=lambda peak: (peak[0], peak[2]))
    return allocated, max((reserved for _, reserved, _ in peaks if reserved is not None), default=None), phase


def _steps_per_rollout(data: RunData) -> int:
    factors = (data.setting("algorithm.num_iterations"), data.setting("train.updates_per_rollout"))
    iterations, updates = (value if isinstance(value, int) and value > 0 else 1 for value in factors)
    return iterations * updates


def _records(values: Any) -> Iterator[Record]:
    yield from (value for value in values if isinstance(value, dict)) if isinstance(values, list) else ()


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
