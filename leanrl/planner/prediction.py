"""What a run is predicted to take: the plan, its cards and their verdicts."""

from dataclasses import dataclass
from typing import Any, Literal

from leanrl.planner.cards import Card
from leanrl.planner.phases import Phase
from leanrl.planner.shapes import ModelShape
from leanrl.planner.workload import Workload

Role = Literal["train", "rollout", "both"]
VerdictName = Literal["fits", "tight", "does_not_fit"]


@dataclass(frozen=True)
class GpuPlan:
    """One card, or the host of a CPU run; `upper_bytes` adds to the peak what the driver may count beside tensors."""

    index: int
    role: Role
    usable_bytes: int
    upper_bytes: int
    phases: tuple[Phase, ...]

    @property
    def peak(self) -> Phase:
        """The largest phase; of equal ones the later, for loading is over soonest."""
        return max(reversed(self.phases), key=lambda phase: phase.bytes)

    @property
    def verdict(self) -> VerdictName:
        if self.upper_bytes <= self.usable_bytes:
            return "fits"
        return "tight" if self.peak.bytes <= self.usable_bytes else "does_not_fit"

    def to_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "role": self.role,
            "usable_bytes": self.usable_bytes,
            "peak_bytes": self.peak.bytes,
            "upper_bytes": self.upper_bytes,
            "peak_phase": self.peak.name,
            "phases": [
                {"name": phase.name, "bytes": phase.bytes, "components": dict(phase.components)}
                for phase in self.phases
            ],
        }


@dataclass(frozen=True)
class Plan:
    """What a run is predicted to take; `gpus` are the cards of one node, or the host of a CPU run.

    `step_seconds`, `total_hours` and `cost_usd` are None where no card (or no price) is known.
    """

    preset: str
    device: Literal["cuda", "cpu"]
    card: Card | None
    shape: ModelShape
    workload: Workload
    gpus: tuple[GpuPlan, ...]
    kv_cache_bytes: int
    step_seconds: float | None = None
    total_hours: float | None = None
    cost_usd: float | None = None
    fixes: tuple[str, ...] = ()

    @property
    def verdict(self) -> VerdictName:
        verdicts = {gpu.verdict for gpu in self.gpus}
        if "does_not_fit" in verdicts:
            return "does_not_fit"
        return "tight" if "tight" in verdicts else "fits"

    @property
    def worst(self) -> GpuPlan:
        """The card with the least room."""
        return max(self.gpus, key=lambda gpu: gpu.upper_bytes / gpu.usable_bytes)

    def to_json(self) -> dict[str, Any]:
        return {
            "preset": self.preset,
            "device": self.device,
            "verdict": self.verdict,
            "gpus": [gpu.to_json() for gpu in self.gpus],
            "time": {"step_seconds": self.step_seconds, "total_hours": self.total_hours},
            "cost_usd": self.cost_usd,
            "fixes": list(self.fixes),
        }
