"""Changes that take less memory than a plan that turned out too small."""

import sys

from leanrl.config.schema import RunConfig
from leanrl.planner.formula import uncounted_setting
from leanrl.planner.machine.target import Target, lacks_bf16
from leanrl.planner.predict import predict
from leanrl.planner.prediction import Plan
from leanrl.planner.search.search import Search

# How much less a change has to take: nearer than this, it would be lost in what the plan had wrong.
_LEAST_SAVING = 0.1
_TRAINING_PHASES = ("reference", "forward_backward")


def leaner_settings(config: RunConfig, plan: Plan, *, vllm: str | None = None) -> tuple[str, ...]:
    """Return changes, cheapest first, that take a tenth less than planned while gradients are computed.

    The plan said that the run fits, so that its own fixes are none; a real card said otherwise.
    """
    target = Target(plan.device, plan.gpus[0].usable_bytes, plan.card, vllm)
    most_bytes = int((1 - _LEAST_SAVING) * training_bytes(plan))

    def missing(changed: RunConfig) -> int:
        is_impossible = lacks_bf16(changed, plan.card) or uncounted_setting(changed, plan.shape) is not None
        return sys.maxsize if is_impossible else training_bytes(predict(changed, plan.shape, target)) - most_bytes

    return tuple(fix.flags for fix in Search(config, missing=missing, vllm=vllm).fixes())


def training_bytes(plan: Plan) -> int:
    """Return the planned peak of a training card while it scores and computes gradients."""
    return max(phase.bytes for phase in plan.gpus[0].phases if phase.name in _TRAINING_PHASES)


def optimizer_state_bytes(plan: Plan) -> int:
    """Return the bytes of optimizer state that a training card holds from the first update on."""
    return max(phase.components.get("optimizer state", 0) for phase in plan.gpus[0].phases)
