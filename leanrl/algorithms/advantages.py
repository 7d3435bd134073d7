"""How much better a completion is than the others of its prompt.

Axes: B completions, P prompts, G completions of a prompt (the group); B = P * G, groups contiguous.
"""

from typing import Literal

import torch
from torch import Tensor

Baseline = Literal["mean", "leave_one_out"]
Scale = Literal["group", "batch", "none"]

# Keeps the quotient finite where a spread is 0; the value of TRL (trl 1.16, grpo_trainer.py).
_EPSILON = 1e-4


def group_advantages(rewards_B: Tensor, *, group_size: int, baseline: Baseline, scale: Scale) -> Tensor:
    """Return (reward - baseline) / scale of each completion; exactly 0 where all rewards of a group are equal.

    A mean of equal numbers may differ from them in the last bit, and a spread of 0 divides by 1e-4 alone: without
    the exact 0 such a group would be trained on rounding errors, and could not be skipped.

    Args:
        rewards_B: the weighted sum of each completion's rewards.
        group_size: completions of one prompt, at least 2.
        baseline: `mean` of the group (GRPO, arXiv 2402.03300), or `leave_one_out`: the mean of the others (RLOO,
            arXiv 2402.14740), which is G / (G - 1) times as far away.
        scale: the standard deviation (over n - 1) of the `group` (GRPO) or of the whole `batch`, plus 1e-4; or
            `none` (Dr. GRPO, arXiv 2503.20783, and RLOO).

    Raises:
        ValueError: for rewards that form no whole groups, groups of one, or an unknown choice.
    """
    if group_size < 2 or rewards_B.shape[0] % group_size:
        raise ValueError(f"{rewards_B.shape[0]} rewards do not form groups of {group_size}, of at least 2 each.")
    rewards_P_G = rewards_B.view(-1, group_size)
    centred_P_G = rewards_P_G - rewards_P_G.mean(dim=1, keepdim=True)
    if baseline == "leave_one_out":
        centred_P_G = centred_P_G * (group_size / (group_size - 1))
    elif baseline != "mean":
        raise ValueError(f"baseline is {baseline!r}; it must be mean or leave_one_out.")
    if scale == "group":
        centred_P_G = centred_P_G / (rewards_P_G.std(dim=1, keepdim=True) + _EPSILON)
    elif scale == "batch":
        centred_P_G = centred_P_G / (rewards_B.std() + _EPSILON)
    elif scale != "none":
        raise ValueError(f"scale is {scale!r}; it must be group, batch or none.")
    has_spread_P_1 = rewards_P_G.amax(dim=1, keepdim=True) > rewards_P_G.amin(dim=1, keepdim=True)
    return torch.where(has_spread_P_1, centred_P_G, 0).reshape(-1)
