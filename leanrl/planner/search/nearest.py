"""Where nothing fits: what comes nearest, and which key would bring it down."""

import math

from leanrl.planner.prediction import Nearest, Plan
from leanrl.planner.search.fixes import Changes, as_flags

_GIB = 2**30
# Components whose bytes are those of sequences; those of all others follow from the model.
_OF_LENGTHS = frozenset(
    {
        "KV cache",
        "generation",
        "activations",
        "kept activations",
        "layer at work",
        "forward pass",
        "attention mask",
        "positions",
        "inputs of layers",
        "shared KV",
        "engine activations",
    }
)


def nearest(changes: Changes, plan: Plan) -> Nearest:
    """Return what comes nearest, by how many bytes it is too large, what is largest there and the key to change.

    Args:
        changes: what the nearest run has otherwise than the one that was asked for.
        plan: the plan of the nearest run.
    """
    flags = f"with {as_flags(changes)}" if changes else "as it is"
    return Nearest(f"{plan.missing_bytes / _GIB:.1f} GiB too large {flags}", _way_out(plan))


def _way_out(plan: Plan) -> str:
    if plan.host is not None and plan.host.missing_bytes == plan.missing_bytes:
        return f"{plan.host.sentence} A smaller model (model.id), fewer cards or more memory would do."
    peak = plan.worst.peak
    largest = max(peak.components, key=lambda name: peak.components[name])
    key = "a smaller model (model.id)"
    if largest in _OF_LENGTHS:
        key = f"shorter prompts (rollout.max_prompt_tokens, {plan.workload.prompt_tokens} here), {key}"
    needed = math.ceil(max(gpu.upper_bytes for gpu in plan.gpus) / _GIB)
    place = "this machine's memory" if plan.device == "cpu" else f"a card with {needed} GiB"
    more = f"more than {place}" if plan.device == "cpu" else place
    return f"The largest part there is {largest}, {peak.components[largest] / _GIB:.1f} GiB: {key} or {more} would do."
