"""From what a run has measured to corrections of the closed form; pure."""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from leanrl.planner.memory.rollout_engine import served_weight_bytes
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.past_runs.calibration import Calibration, Conditions, Speeds, closed_form_time, with_prompts
from leanrl.planner.past_runs.measured_run import MeasuredRun
from leanrl.planner.past_runs.step_seconds import PARTS, WHOLE_STEP, Part, planned_seconds
from leanrl.planner.phases import train_phases
from leanrl.planner.prediction import Plan
from leanrl.planner.time.duration import training_operations
from leanrl.planner.workload import Workload

# Below this the closed form or the clock says nothing: a ratio of two such numbers is noise.
_LEAST_SECONDS = 1e-4
# Grading is measured in its own unit, not as a factor.
_NOTHING_TAUGHT = "the speed of training: no completion of the run taught, so no gradients were computed"
_TIMED: tuple[Part, ...] = ("generation", "sync", "reference", "gradients", "optimizer")


def calibrate(run: MeasuredRun, plan: Plan) -> Calibration:
    """Return the constants that a run has measured.

    Args:
        run: what it measured.
        plan: its own plan by the closed form, without corrections.
    """
    workload = with_prompts(plan.workload, run.prompt_tokens)
    factors = _factors(run, plan, workload, known={})
    factors = _factors(run, plan, workload, known=factors)
    return Calibration(
        source=str(run.path),
        num_steps=run.num_steps,
        conditions=Conditions.of(run.config, machine=run.machine),
        factors=factors,
        grading_seconds=_grading_seconds(run, plan.workload),
        other_seconds=max(0.0, run.seconds[WHOLE_STEP] - sum(run.seconds.get(part, 0.0) for part in PARTS)),
        taught_share=run.taught_share,
        overhead_bytes=_overhead_bytes(run, plan),
        lengths=run.lengths,
        prompt_tokens=run.prompt_tokens,
        speeds=_speeds(plan.shape, workload, run),
        refused=() if run.taught_share else (_NOTHING_TAUGHT,),
    )


def _factors(run: MeasuredRun, plan: Plan, workload: Workload, *, known: Mapping[Part, float]) -> dict[Part, float]:
    """Return measured seconds / those of the closed form with the run's own lengths, of each part that both have.

    Gradients are those of what was taught. `known` holds the factor of gradients that generation rests on.
    """
    time = closed_form_time(
        plan.shape, workload, plan.card, kv_bytes=plan.kv_cache_bytes, lengths=run.lengths, factors=known
    )
    planned = planned_seconds(time)
    planned["gradients"] *= run.taught_share
    return {
        part: run.seconds[part] / planned[part]
        for part in _TIMED
        if min(run.seconds.get(part, 0.0), planned[part]) > _LEAST_SECONDS
    }


def _grading_seconds(run: MeasuredRun, workload: Workload) -> float | None:
    """Return the seconds of one completion; ranks grade their own beside each other."""
    if "grading" not in run.seconds:
        return None
    return run.seconds["grading"] * workload.num_iterations / workload.completions_per_rank


def _overhead_bytes(run: MeasuredRun, plan: Plan) -> int | None:
    """Return by how much the peak was above the plan of rows as long as the run's; None where none was measured.

    Of single phases nothing can be said on a CPU: what one has freed may still be resident in the next.
    """
    prompt = plan.workload.prompt_tokens if run.prompt_tokens is None else ceil(run.prompt_tokens)
    workload = replace(plan.workload, prompt_tokens=prompt, completion_tokens=run.longest_tokens)
    phases = train_phases(plan.shape, workload, kv_bytes=plan.kv_cache_bytes)
    planned = [phase.bytes for phase in phases if phase.name in run.peak_bytes]
    return max(0, max(run.peak_bytes.values()) - max(planned)) if planned else None


def _speeds(shape: ModelShape, workload: Workload, run: MeasuredRun) -> Speeds:
    """Return the measured constants as a data sheet would give them."""
    limit, reuse = workload.completion_tokens, workload.num_iterations * workload.updates_per_rollout
    steps = run.lengths.distribution.longest(workload.completions_per_engine, limit)
    generation, gradients = run.seconds.get("generation"), run.seconds.get("gradients")
    per_step = generation * reuse / steps if generation else None
    operations = training_operations(shape, workload, run.lengths) * run.taught_share
    return Speeds(
        decoding_step_seconds=per_step,
        decoding_bytes_per_second=served_weight_bytes(shape, workload) / per_step if per_step else None,
        training_flops_per_second=operations / gradients if gradients and operations else None,
    )
