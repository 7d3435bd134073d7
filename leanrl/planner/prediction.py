"""What a run is predicted to take: the plan, its cards and their verdicts."""

import sys
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

from leanrl.planner.machine.cards import Card, name_by_size
from leanrl.planner.measured import Source
from leanrl.planner.memory.floors import Floor
from leanrl.planner.memory.host_memory import HostNeed, VerdictName
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.past_runs.calibration import Calibration, step_time
from leanrl.planner.past_runs.step_seconds import planned_seconds
from leanrl.planner.phases import Phase
from leanrl.planner.search.fixes import Changes, Fix
from leanrl.planner.time.duration import StepTime
from leanrl.planner.time.evaluation_time import EvaluationTime
from leanrl.planner.time.length_profile import LengthProfile, assumed_profiles
from leanrl.planner.workload import Workload

Device = Literal["cuda", "cpu"]
Role = Literal["train", "rollout", "both"]


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
class Nearest:
    """The run that comes nearest, with its flags, and what would make it fit."""

    run: str
    way_out: str


@dataclass(frozen=True)
class Plan:
    """What a run is predicted to take; `gpus` are the cards of one node, or the host of a CPU run.

    `source` says where the bytes of a training card come from. `step_time` is None where no card is known by name, and
    on a CPU; the cost also where its price is not known. `host` is the host memory that cards need beside their own.
    `chosen` has the keys of the config that are `auto`, with the values that the plan is for.
    """

    preset: str
    device: Device
    card: Card | None
    shape: ModelShape
    workload: Workload
    gpus: tuple[GpuPlan, ...]
    kv_cache_bytes: int
    host: HostNeed | None = None
    num_nodes: int = 1
    # None where a run is as long as its epochs, and nobody has counted the problems.
    max_steps: int | None = 1
    step_time: StepTime | None = None
    # First step and limit of completions of each stage, where a schedule moves the limit.
    length_stages: tuple[tuple[int, int], ...] = ()
    # The evaluations during training, where the config asks for them.
    evaluations: EvaluationTime | None = None
    # What the time rests on; those of the middle assumption where no lengths are known.
    lengths: LengthProfile | None = None
    floors: tuple[Floor, ...] = ()
    base_note: str | None = None
    offers: tuple[Fix, ...] = ()
    nearest: Nearest | None = None
    source: Source = "closed_form"
    # What a run has measured, where the plan is made from one.
    calibration: Calibration | None = None
    chosen: Changes = field(default_factory=dict, compare=False)

    @property
    def num_kept_layers(self) -> int:
        """Decoder layers that keep all of their activations from the forward to the backward pass."""
        return self.shape.num_layers if self.workload.activations == "kept" else self.workload.kept_layers

    @property
    def card_name(self) -> str:
        """The name of the kind of card, or its size where it is not known by name."""
        return self.card.name if self.card else name_by_size(self.gpus[0].usable_bytes)

    @property
    def step_seconds(self) -> float | None:
        """Seconds of a step; None for a run that does not fit, which takes none."""
        if self.step_time is None or self.verdict == "does_not_fit":
            return None
        return round(self.step_time.seconds, 1)

    @property
    def total_hours(self) -> float | None:
        """Hours of all steps; loading, evaluation and checkpoints come on top."""
        if self.step_seconds is None or self.step_time is None or self.max_steps is None:
            return None
        begins = [min(begin, self.max_steps) for begin, _, _ in self.stage_seconds]
        counts = [end - begin for begin, end in pairwise([*begins, self.max_steps])]
        seconds = (count * each for count, (_, _, each) in zip(counts, self.stage_seconds, strict=True))
        return round(sum(seconds) / 3600, 2)

    @property
    def stage_seconds(self) -> list[tuple[int, int, float]]:
        """First step, limit of completions and seconds of a step of each stage; one where no schedule moves the limit.

        An automatic limit is taken for the longest throughout: nobody knows when it grows.
        """
        if self.step_time is None or self.lengths is None:
            return []
        longest = self.workload.completion_tokens
        times = [(begin, limit, self._time_with(self.lengths, limit)) for begin, limit in self.length_stages]
        known = [(begin, limit, time.seconds) for begin, limit, time in times if time is not None]
        return known or [(0, longest, self.step_time.seconds)]

    @property
    def cost_usd(self) -> float | None:
        """Dollars for all cards of all nodes, at the card's price."""
        if self.total_hours is None or self.card is None or self.card.price is None:
            return None
        return round(self.total_hours * len(self.gpus) * self.num_nodes * self.card.price.usd_per_hour, 2)

    @property
    def time_range(self) -> list[tuple[LengthProfile, StepTime]]:
        """The time of a step with the lengths that are known, or with each of the assumed ones, shortest first."""
        if self.step_time is None or self.step_seconds is None or self.lengths is None:
            return []
        if not self.lengths.is_assumed:
            return [(self.lengths, self.step_time)]
        by_lengths = (
            (lengths, self._time_with(lengths)) for lengths in assumed_profiles(self.workload.completion_tokens)
        )
        return [(lengths, time) for lengths, time in by_lengths if time is not None]

    def _time_with(self, lengths: LengthProfile, limit: int | None = None) -> StepTime | None:
        workload = self.workload if limit is None else replace(self.workload, completion_tokens=limit)
        return step_time(
            self.shape,
            workload,
            self.card,
            kv_bytes=self.kv_cache_bytes,
            lengths=lengths,
            calibration=self.calibration,
        )

    @property
    def verdict(self) -> VerdictName:
        verdicts = {gpu.verdict for gpu in self.gpus} | ({self.host.verdict} if self.host else set())
        if "does_not_fit" in verdicts:
            return "does_not_fit"
        return "tight" if "tight" in verdicts else "fits"

    @property
    def fixes(self) -> tuple[str, ...]:
        """The flags of what is offered to make it fit, cheapest first."""
        return tuple(fix.flags for fix in self.offers)

    @property
    def missing_bytes(self) -> int:
        """Bytes by which the fullest card, or host memory, is too small; not above 0 where the run fits."""
        on_host = self.host.missing_bytes if self.host else None
        return max(
            *(gpu.upper_bytes - gpu.usable_bytes for gpu in self.gpus),
            -sys.maxsize if on_host is None else on_host,
        )

    @property
    def engine_settings(self) -> dict[str, int]:
        """Arguments of a vLLM engine by vLLM's names: what the plan counted; empty where none generates.

        Every completion of a step may run at once. Where the KV cache has less room than that at full length,
        vLLM makes sequences wait or computes them again.
        """
        if self.workload.engine == "hf":
            return {}
        return {"kv_cache_memory_bytes": self.kv_cache_bytes, "max_num_seqs": self.workload.completions_per_engine}

    @property
    def worst(self) -> GpuPlan:
        """The card with the least room."""
        return max(self.gpus, key=lambda gpu: gpu.upper_bytes / gpu.usable_bytes)

    @property
    def _expected_lengths(self) -> dict[str, Any] | None:
        if self.lengths is None:
            return None
        workload = self.workload
        count = workload.completions_per_step * workload.updates_per_rollout
        return self.lengths.to_json(count=count, limit_tokens=workload.completion_tokens)

    def _stages_to_json(self) -> list[dict[str, Any]]:
        return [
            {"from_step": begin, "max_completion_tokens": limit, "step_seconds": round(seconds, 1)}
            for begin, limit, seconds in self.stage_seconds
        ]

    def _time_to_json(self) -> dict[str, Any]:
        """Return the seconds of a step; none for a run that does not fit."""
        time = None if self.step_seconds is None else self.step_time
        by_mean = {f"{lengths.mean_tokens:.0f}": round(step.seconds, 1) for lengths, step in self.time_range}
        return {
            "step_seconds": self.step_seconds,
            "total_hours": self.total_hours,
            "parts": None if time is None else planned_seconds(time),
            "completion_tokens": self._expected_lengths,
            "step_seconds_by_mean": {} if time is None else by_mean,
            **({} if time is None or not self.length_stages else {"stages": self._stages_to_json()}),
            **({} if time is None or self.evaluations is None else {"evaluations": self.evaluations.to_json()}),
        }

    def to_json(self) -> dict[str, Any]:
        return {
            "preset": self.preset,
            "device": self.device,
            "card": None if self.card is None else self.card.name,
            "source": self.source,
            "verdict": self.verdict,
            "gpus": [gpu.to_json() for gpu in self.gpus],
            "host": None if self.host is None else self.host.to_json(),
            "micro_batch_tokens": self.workload.micro_batch_tokens,
            "kept_layers": self.num_kept_layers,
            "chosen": dict(self.chosen),
            "time": self._time_to_json(),
            "cost_usd": self.cost_usd,
            "fixes": list(self.fixes),
            "fixes_change_run": [fix.changes_run for fix in self.offers],
            "measured": None if self.calibration is None else self.calibration.to_json(),
        }
