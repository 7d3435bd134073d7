"""Signs in a step's metrics that training cannot work, with the key to change."""

from collections.abc import Mapping
from typing import Any

from leanrl.hints import setting


def first_step_warnings(metrics: Mapping[str, Any], *, max_completion_tokens: int) -> list[str]:
    """Return what is wrong with a first step that cannot teach anything; both failures are silent otherwise."""
    warnings = []
    if metrics["truncated_share"] == 1.0:
        warnings.append(
            f"Every completion of the first step was cut at {max_completion_tokens} tokens, so no answer was "
            f"finished. Give them room: {setting('rollout.max_completion_tokens', 2 * max_completion_tokens)}"
        )
    if metrics["zero_std_share"] == 1.0:
        rewards = ", ".join(f"{name} {value:.2f}" for name, value in metrics["rewards"].items())
        warnings.append(
            "Within every prompt's group all rewards of the first step are equal, so its gradient is zero "
            f"(means: {rewards}). Ask easier problems, raise -s rollout.temperature or "
            "-s train.num_completions, or add a reward that tells these completions apart."
        )
    return warnings
