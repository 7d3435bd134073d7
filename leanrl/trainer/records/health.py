"""Signs in a step's metrics that training cannot work, with the key to change."""

from collections.abc import Mapping
from typing import Any

from leanrl.hints import setting

# Of completions that are cut before they answer, this many make a step teach nothing.
_MANY_CUT = 0.5


def first_step_warnings(metrics: Mapping[str, Any], *, max_completion_tokens: int) -> list[str]:
    """Return what is wrong with a first step that cannot teach anything; both failures are silent otherwise."""
    cut = metrics["truncated_share"]
    room = f"Give them room: {setting('rollout.max_completion_tokens', 2 * max_completion_tokens)}"
    means = ", ".join(
        f"{name} {'scored none' if value is None else f'{value:.2f}'}" for name, value in metrics["rewards"].items()
    )
    equal = "Within every prompt's group all rewards of the first step are equal, so its gradient is zero "
    equal += f"(means: {means})."
    is_flat = metrics["zero_std_share"] == 1.0
    warnings = []
    if cut == 1.0:
        warnings.append(
            f"Every completion of the first step was cut at {max_completion_tokens} tokens, so no answer was "
            f"finished. {room}"
        )
    if is_flat and cut == 1.0:
        warnings.append(f"{equal} Cut completions are the likely cause.")
    elif is_flat and cut >= _MANY_CUT:
        warnings.append(f"{equal} {cut:.0%} of its completions were cut at {max_completion_tokens} tokens. {room}")
    elif is_flat:
        warnings.append(
            f"{equal} Ask easier problems, raise -s rollout.temperature or -s train.num_completions, or add a reward "
            "that tells these completions apart."
        )
    return warnings
