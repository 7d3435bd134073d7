"""The plan's line about the base of a 16-bit adapter: shared with a colocated vLLM or not, and what the other costs."""

from leanrl.config.checks.sharing import sharing_obstacle
from leanrl.config.schema import RunConfig
from leanrl.planner.machine.target import Target
from leanrl.planner.memory.base_sharing import why_separate
from leanrl.planner.phases import Phase
from leanrl.planner.predict import predict
from leanrl.planner.prediction import Plan
from leanrl.planner.search.fixes import with_changes


def base_note(config: RunConfig, plan: Plan, target: Target) -> str | None:
    """Return the line with what the other choice would take, or None where keys leave no choice."""
    if target.device == "cpu" or sharing_obstacle(config) is not None:
        return None
    if plan.workload.shares_base:
        separate = _taken(with_changes(config, {"rollout.share_base": False}), plan, target)
        return f"Trainer and vLLM share one base (rollout.share_base). With a base each: {separate}."
    obstacle = why_separate(config, plan.shape, vllm=target.vllm)
    wanting = with_changes(config, {"rollout.share_base": "auto"})
    if why_separate(wanting, plan.shape, vllm=target.vllm) is not None:
        return f"Trainer and vLLM have a base each: {obstacle}."
    return f"Trainer and vLLM have a base each: {obstacle}. With one for both: {_taken(wanting, plan, target)}."


def _taken(config: RunConfig, plan: Plan, target: Target) -> str:
    """Say what settings take where bases weigh most, while generating, and at their peak."""
    gpu = predict(config, plan.shape, target).worst
    drawing = next(phase for phase in gpu.phases if phase.name == "rollout")
    return f"{_gib(drawing)} GiB while generating, a peak of {_gib(gpu.peak)} GiB"


def _gib(phase: Phase) -> str:
    return f"{phase.bytes / 2**30:.1f}"
