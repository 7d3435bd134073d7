"""Advantages: how much better a completion is than the others of its prompt.

Axes: P prompts, G completions of a prompt (the group).
"""

from typing import TYPE_CHECKING, Literal

from leanrl.seams.registry import plugin

if TYPE_CHECKING:
    from torch import Tensor


@plugin("advantage", "group")
def group(
    rewards_P_G: "Tensor",
    lengths_P_G: "Tensor",
    *,
    baseline: Literal["mean", "leave_one_out"] = "mean",
    scale: Literal["group", "batch", "none"] = "group",
) -> "Tensor":
    """(reward - baseline) / scale: GRPO, Dr. GRPO and RLOO.

    Args:
        baseline: `mean` of the group, or `leave_one_out`: the mean of the others (RLOO).
        scale: the standard deviation of the `group` (GRPO) or of the whole `batch`, or `none` (Dr. GRPO, RLOO).

    Source: GRPO, arXiv 2402.03300; see `algorithms.advantages.group_advantages`.
    """
    from leanrl.algorithms.advantages import group_advantages

    return group_advantages(rewards_P_G, baseline=baseline, scale=scale)
