"""The verdict where a plan's step was simulated too: the simulation's bytes decide, and the difference is said."""

from dataclasses import dataclass, replace

from leanrl.planner.measured import MeasuredStep
from leanrl.planner.memory.allocation import upper_bytes
from leanrl.planner.memory.host_memory import VerdictName
from leanrl.planner.phases import Phase, PhaseName, train_phases
from leanrl.planner.prediction import GpuPlan, Plan
from leanrl.planner.text.phase_words import PHASE_WORDS

_GIB = 2**30
# What a step is made of; loading is in a measured step too, for what stays.
_STEP: tuple[PhaseName, ...] = ("reference", "forward_backward", "optimizer_step")
_BY_FORMULA: dict[VerdictName, str] = {
    "fits": "by the formula it would fit",
    "tight": "by the formula it would be tight",
    "does_not_fit": "by the formula it would not fit",
}


@dataclass(frozen=True)
class Judged:
    """A plan with the bytes of a simulated step, whose verdict holds, and one line on what that changes.

    `difference_bytes` is by how much the simulated step is above the formula's, at the fullest moment of each.
    """

    plan: Plan
    line: str
    difference_bytes: int


def judged(plan: Plan, step: MeasuredStep, *, overhead_bytes: int | None = None) -> Judged:
    """Return the plan with `step` in place of the formula on every card that trains.

    The fixes stay where the verdict does; they were made for the formula's bytes. `overhead_bytes` is what a run has
    measured beside its tensors, where the plan was made with that.
    """
    exact = _with_step(plan, step, overhead_bytes)
    by_formula, simulated = _fullest(plan), _fullest(exact)
    is_other = exact.verdict != plan.verdict
    if is_other:
        exact = replace(exact, offers=(), nearest=None)
    difference = simulated.bytes - by_formula.bytes
    line = (
        f"{_gib(simulated.bytes)} GiB simulated while {PHASE_WORDS[simulated.name]}, {_gib(by_formula.bytes)} by the "
        f"formula ({difference / by_formula.bytes:+.1%})"
        f"{'; ' + _BY_FORMULA[plan.verdict] if is_other else ''}. {_contents(simulated, step)}"
    )
    return Judged(exact, line, difference)


def _with_step(plan: Plan, step: MeasuredStep, overhead_bytes: int | None) -> Plan:
    phases = tuple(train_phases(plan.shape, plan.workload, kv_bytes=plan.kv_cache_bytes, measured=step))
    upper = max(
        upper_bytes(phase, plan.workload, device=plan.device, measured_bytes=overhead_bytes) for phase in phases
    )
    gpus = tuple(gpu if gpu.role == "rollout" else replace(gpu, phases=phases, upper_bytes=upper) for gpu in plan.gpus)
    return replace(plan, gpus=gpus, source="simulation")


def _fullest(plan: Plan) -> Phase:
    """Return the fullest phase of a step on a card that trains."""
    trains: GpuPlan = next(gpu for gpu in plan.gpus if gpu.role != "rollout")
    return max((phase for phase in trains.phases if phase.name in _STEP), key=lambda phase: phase.bytes)


def _contents(phase: Phase, step: MeasuredStep) -> str:
    """Say what the plan's numbers hold beside the step that was simulated."""
    engine = {name: size for name, size in phase.components.items() if name not in step.phases[phase.name]}
    if not engine:
        return "Both numbers are the step alone, with no rollout engine in it."
    return f"Both numbers hold {' and '.join(engine)} ({_gib(sum(engine.values()))} GiB); the simulated step does not."


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f}"
