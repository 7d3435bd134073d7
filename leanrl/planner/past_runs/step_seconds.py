"""The seconds that the steps of a run took, by the parts that the plan of a step has."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from statistics import median
from typing import Any, Literal

from leanrl.planner.time.duration import StepTime

Part = Literal["generation", "sync", "grading", "reference", "gradients", "optimizer"]
PARTS: tuple[Part, ...] = ("generation", "sync", "grading", "reference", "gradients", "optimizer")
WHOLE_STEP = "step"

# The phases that metrics.jsonl times, by part. leanrl 0.1.0 wrote `reward` and `train`.
_PHASES: Mapping[Part, tuple[str, ...]] = {
    "generation": ("rollout",),
    "sync": ("sync",),
    "grading": ("grading", "reward"),
    "reference": ("reference",),
    "gradients": ("forward_backward", "train"),
    "optimizer": ("optimizer_step",),
}


def planned_seconds(time: StepTime) -> dict[str, float]:
    """Return the seconds of each part of a planned step, and of the whole.

    Ranks exchange gradients and shards while they compute gradients; bookkeeping is grading and what is logged.
    """
    return {
        "generation": time.generation,
        "sync": time.sync,
        "grading": time.bookkeeping,
        "reference": time.reference,
        "gradients": time.gradients + time.exchange,
        "optimizer": time.optimizer,
        WHOLE_STEP: time.seconds,
    }


def measured_seconds(steps: Sequence[Mapping[str, Any]], *, steps_per_rollout: int) -> dict[str, float]:
    """Return the seconds of each part that was timed, and of the whole step; empty where no step was timed.

    Each is the median over rollouts of the mean over the steps on a rollout. The first rollout, in which libraries warm
    up, counts where it is the only one.

    Args:
        steps: lines of metrics.jsonl in their order.
        steps_per_rollout: optimizer steps on the completions of one rollout.
    """
    warm = warm_rollouts(steps, steps_per_rollout=steps_per_rollout)
    found: dict[str, list[float]] = {
        part: [sum(_seconds(step, part) for step in one) / len(one) for one in warm] for part in PARTS
    }
    whole = [sum(step["seconds"][WHOLE_STEP] for step in one) / len(one) for one in warm]
    timed = {part: median(values) for part, values in found.items() if any(values)}
    return {**timed, WHOLE_STEP: median(whole)} if whole else {}


def warm_rollouts(steps: Sequence[Mapping[str, Any]], *, steps_per_rollout: int) -> list[list[Mapping[str, Any]]]:
    """Return the timed steps of each rollout but the first; of that where it is the only one."""
    rollouts = list(_rollouts(steps, steps_per_rollout))
    return rollouts[1:] or rollouts


def _rollouts(steps: Sequence[Mapping[str, Any]], steps_per_rollout: int) -> Iterator[list[Mapping[str, Any]]]:
    """Yield the timed steps on each rollout whose steps are all there."""
    timed = [step for step in steps if _is_timed(step)]
    for _, on_rollout in groupby(timed, key=lambda step: (step["step"] - 1) // steps_per_rollout):
        found = list(on_rollout)
        if len(found) == steps_per_rollout:
            yield found


def _is_timed(step: Mapping[str, Any]) -> bool:
    seconds = step.get("seconds")
    return isinstance(seconds, Mapping) and isinstance(seconds.get(WHOLE_STEP), int | float)


def _seconds(step: Mapping[str, Any], part: Part) -> float:
    found = (step["seconds"].get(phase) for phase in _PHASES[part])
    return sum(seconds for seconds in found if isinstance(seconds, int | float))
