"""An evaluation during training in one line."""

from collections.abc import Mapping
from typing import Any


def evaluation_line(evaluation: Mapping[str, Any]) -> str:
    """Return the score with its interval and, after some training, its difference to step 0."""
    score, low, high = (f"{100 * evaluation[name]:.1f}" for name in ("score", "low", "high"))
    line = f"evaluation at step {evaluation['step']}: {score} % of {evaluation['num_problems']} held-out problems right"
    line += f" ({low} to {high})"
    difference = evaluation["difference"]
    if difference is not None:
        value, low, high = (f"{100 * difference[name]:+.1f}" for name in ("value", "low", "high"))
        line += f"; {value} points since step 0 ({low} to {high}, p = {difference['p_value']:.2g})"
    return line + ("; the best so far" if evaluation["is_best"] else "")
