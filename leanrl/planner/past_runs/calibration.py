"""What a run has measured of a machine, as corrections of the closed form.

The closed form says how seconds and bytes grow with lengths, batch and model; a run says how far its machine is from
the constants in it. So a correction is a factor, and holds for another length, batch or model on the same machine.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.planner.machine.cards import Card
from leanrl.planner.machine.cpu_speed import NOMINAL_CPU
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.past_runs.step_seconds import Part
from leanrl.planner.time.duration import StepTime, estimate_step
from leanrl.planner.time.length_profile import LengthProfile
from leanrl.planner.time.rollout_time import MEAN_PROMPT_SHARE
from leanrl.planner.workload import Engine, Workload


@dataclass(frozen=True)
class Conditions:
    """What measured speeds hold for: another machine, engine or arithmetic has speeds of its own.

    `machine` is a card's name, or a CPU's with its number of cores; None where it is not known.
    """

    machine: str | None
    engine: Engine
    arithmetic: str

    @classmethod
    def of(cls, config: RunConfig, *, machine: str | None) -> "Conditions":
        base = " on an NF4 base" if config.model.tuning.method == "qlora" else ""
        kernels = " with unsloth's kernels" if config.backend == "unsloth" else ""
        return cls(machine, config.rollout.engine, f"{config.model.compute_dtype}{base}{kernels}")


@dataclass(frozen=True)
class Speeds:
    """The measured constants in their own units, to compare with a log; None where nothing was timed."""

    decoding_step_seconds: float | None = None
    decoding_bytes_per_second: float | None = None
    training_flops_per_second: float | None = None

    def of(self, parts: Container[str]) -> "Speeds":
        """Return the speeds of these parts of a step alone."""
        generating = self if "generation" in parts else Speeds()
        training = self if "gradients" in parts else Speeds()
        return replace(generating, training_flops_per_second=training.training_flops_per_second)

    def to_json(self) -> dict[str, float | None]:
        return {
            "decoding_step_seconds": self.decoding_step_seconds,
            "decoding_bytes_per_second": self.decoding_bytes_per_second,
            "training_flops_per_second": self.training_flops_per_second,
        }


@dataclass(frozen=True)
class Calibration:
    """The measured constants of one machine.

    Args:
        source: the run that measured them.
        num_steps: optimizer steps that it had done.
        conditions: what they hold for.
        factors: measured seconds of a part of a step / those of the closed form, both for the run's own lengths.
        grading_seconds: of one completion.
        other_seconds: of a step, in no part of it.
        taught_share: fraction of completion tokens that went through the model; the others could not teach.
        overhead_bytes: by which the peak was above the plan of the run's own rows; on a CPU with the Python process.
        lengths: of the run's completions.
        prompt_tokens: mean of its prompts.
        speeds: the same constants in their own units.
        refused: what was not measured, or cannot be taken over, with the reason.
    """

    source: str
    num_steps: int
    conditions: Conditions
    factors: Mapping[Part, float] = field(default_factory=dict)
    grading_seconds: float | None = None
    other_seconds: float | None = None
    taught_share: float | None = None
    overhead_bytes: int | None = None
    lengths: LengthProfile | None = None
    prompt_tokens: float | None = None
    speeds: Speeds = Speeds()
    refused: tuple[str, ...] = ()

    @property
    def predicts_a_cpu(self) -> bool:
        """Whether a step on a CPU can be predicted: no data sheet stands in for what was not measured."""
        return {"generation", "gradients"} <= self.factors.keys()

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "num_steps": self.num_steps,
            "machine": self.conditions.machine,
            "engine": self.conditions.engine,
            "arithmetic": self.conditions.arithmetic,
            "factors": {name: round(factor, 4) for name, factor in self.factors.items()},
            "grading_seconds_per_completion": self.grading_seconds,
            "other_seconds": self.other_seconds,
            "taught_share": self.taught_share,
            "overhead_bytes": self.overhead_bytes,
            "lengths": None if self.lengths is None else self.lengths.source,
            "mean_prompt_tokens": self.prompt_tokens,
            **self.speeds.of(self.factors).to_json(),
            "refused": list(self.refused),
        }


def step_time(
    shape: ModelShape,
    workload: Workload,
    card: Card | None,
    *,
    kv_bytes: int,
    lengths: LengthProfile,
    calibration: Calibration | None,
) -> StepTime | None:
    """Return the seconds of a step by what is known of the machine, or None where that is too little.

    A card without measurements has its data sheet; a CPU has none.
    """
    is_measured = calibration is not None and calibration.predicts_a_cpu
    if not (workload.on_cpu and is_measured if card is None else card.has_speeds(workload.compute_bytes)):
        return None
    if calibration is None:
        return closed_form_time(shape, workload, card, kv_bytes=kv_bytes, lengths=lengths, factors={})
    time = closed_form_time(
        shape,
        with_prompts(workload, calibration.prompt_tokens),
        card,
        kv_bytes=kv_bytes,
        lengths=lengths,
        factors=calibration.factors,
    )
    return corrected_time(time, workload, calibration)


def with_prompts(workload: Workload, mean_tokens: float | None) -> Workload:
    """Return the workload with the limit of prompts of which the closed form, by a fraction, makes this mean."""
    if mean_tokens is None:
        return workload
    return replace(workload, prompt_tokens=round(mean_tokens / MEAN_PROMPT_SHARE))


def closed_form_time(
    shape: ModelShape,
    workload: Workload,
    card: Card | None,
    *,
    kv_bytes: int,
    lengths: LengthProfile,
    factors: Mapping[Part, float],
) -> StepTime:
    """Return the seconds of a step by the closed form, those of generation with the measured rate of products.

    Products are a small part of generation on a card, and most of it on a CPU with many rows. With the rate that
    training has, reads and launches are left for the factor of generation.
    """
    nominal = card or NOMINAL_CPU
    time = estimate_step(shape, workload, nominal, kv_bytes=kv_bytes, lengths=lengths)
    if "gradients" not in factors:
        return time
    slower = factors["gradients"]
    measured = replace(nominal, bf16_flops=nominal.bf16_flops / slower, fp32_flops=nominal.fp32_flops / slower)
    generating = estimate_step(shape, workload, measured, kv_bytes=kv_bytes, lengths=lengths)
    return replace(time, generation=generating.generation)


def corrected_time(time: StepTime, workload: Workload, calibration: Calibration) -> StepTime:
    """Return the seconds of a step with the measured constants in place of the closed form's."""
    factors = calibration.factors
    of_gradients = factors.get("gradients", 1.0) * _or(calibration.taught_share, 1.0)
    graded = workload.completions_per_rank / workload.num_iterations
    bookkeeping = time.bookkeeping
    if calibration.grading_seconds is not None:
        bookkeeping = _or(calibration.other_seconds, 0.0) + calibration.grading_seconds * graded
    return replace(
        time,
        generation=time.generation * factors.get("generation", 1.0),
        reference=time.reference * factors.get("reference", factors.get("gradients", 1.0)),
        gradients=time.gradients * of_gradients,
        exchange=time.exchange * of_gradients,
        sync=time.sync * factors.get("sync", 1.0),
        optimizer=time.optimizer * factors.get("optimizer", 1.0),
        bookkeeping=bookkeeping,
    )


def carried_over(calibration: Calibration, to: Conditions, *, same_texts: str | None) -> Calibration:
    """Return what holds for a run under other conditions, and the reasons why the rest does not.

    Args:
        to: the conditions of the next run.
        same_texts: why completions of the next run have other lengths; None where they are expected to be alike.
    """
    of, refused = calibration.conditions, []
    kept = dict(calibration.factors)
    if of.machine != to.machine or of.machine is None:
        refused.append(f"speeds and memory: measured on {_named(of.machine)}, the next run is on {_named(to.machine)}")
        kept, calibration = {}, replace(calibration, grading_seconds=None, other_seconds=None, overhead_bytes=None)
    else:
        if of.engine != to.engine:
            refused.append(f"the speed of generation: measured with {of.engine}, the next run has {to.engine}")
            kept = {name: factor for name, factor in kept.items() if name not in ("generation", "sync")}
        if of.arithmetic != to.arithmetic:
            refused.append(f"speeds of the model: measured in {of.arithmetic}, the next run is in {to.arithmetic}")
            kept = {name: factor for name, factor in kept.items() if name in ("sync",)}
    if same_texts is not None:
        refused.append(f"lengths: {same_texts}")
        calibration = replace(calibration, lengths=None, prompt_tokens=None, taught_share=None)
    return replace(calibration, factors=kept, refused=(*calibration.refused, *refused))


def _named(machine: str | None) -> str:
    return machine or "a machine that is not known by name"


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
