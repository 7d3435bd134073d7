"""Seconds of the evaluations that a run makes while it trains."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.planner.time.duration import StepTime
from leanrl.planner.workload import Workload


@dataclass(frozen=True)
class EvaluationTime:
    """How many evaluations a run makes, of how many completions, and the seconds of one.

    `count` is None where a run is as long as its epochs, and nobody has counted the problems.
    """

    count: int | None
    num_completions: int
    seconds: float

    @property
    def hours(self) -> float | None:
        """Hours of all of them, which come on top of those of the steps."""
        return None if self.count is None else self.count * self.seconds / 3600

    def to_json(self) -> dict[str, Any]:
        hours = None if self.hours is None else round(self.hours, 2)
        completions, seconds = self.num_completions, round(self.seconds, 1)
        return {"count": self.count, "completions": completions, "seconds": seconds, "total_hours": hours}


def evaluation_time(
    config: RunConfig, workload: Workload, *, max_steps: int | None, time_of: Callable[[Workload], StepTime | None]
) -> EvaluationTime | None:
    """Return the time of the evaluations by `eval.every_steps`; None where there are none, or no time is known.

    An evaluation takes the generation and the grading of a rollout with as many completions. The hf engine asks batch
    by batch, vLLM all at once. Ranks share them.

    Args:
        max_steps: of the run; None where it is not known yet.
        time_of: returns the seconds of a step of another workload on the same machine.
    """
    every = config.steps_between_evaluations
    if every is None:
        return None
    asked = config.eval.num_problems or config.data.num_heldout
    num_completions = asked * config.eval.samples
    per_rank = math.ceil(num_completions / config.num_train_ranks)
    most = min(config.eval.batch_size, workload.completions_per_rank) if workload.engine == "hf" else per_rank
    batch = max(1, min(most, per_rank))
    rollout = replace(
        workload,
        completions_per_rank=batch,
        completions_per_step=batch * config.num_train_ranks,
        num_iterations=1,
        updates_per_rollout=1,
    )
    time = time_of(rollout)
    if time is None:
        return None
    count = None if max_steps is None else 1 + math.ceil(max_steps / every)
    batches = math.ceil(per_rank / batch)
    return EvaluationTime(count, num_completions, batches * time.generation + time.sync + time.bookkeeping)
