"""How much better a completion is than the others of its prompt.

Axes: B completions, P prompts, G completions of a prompt (the group); B = P * G, groups contiguous; K rewards.
A reward that skips a completion is NaN.
"""

from typing import Literal

import torch
from torch import Tensor

Baseline = Literal["mean", "leave_one_out"]
Scale = Literal["group", "batch", "none"]

# Keeps the quotient finite where a spread is 0; the value of TRL (trl 1.16, grpo_trainer.py).
_EPSILON = 1e-4


def summed_rewards(rewards_B_K: Tensor, weights_K: Tensor) -> Tensor:
    """Return rewards_B, the weighted sum of each completion's rewards; NaN where all of them skip it.

    A reward that skips adds nothing, and the weights of the others stay as they are.

    Source: TRL (trl 1.16, grpo_trainer.py, sum_then_normalize).
    """
    is_unscored_B = rewards_B_K.isnan().all(dim=1)
    return (rewards_B_K * weights_K).nansum(dim=1).masked_fill(is_unscored_B, torch.nan)


def group_advantages(rewards_P_G: Tensor, *, baseline: Baseline, scale: Scale) -> Tensor:
    """Return advantages_P_G, (reward - baseline) / scale; exactly 0 where all rewards of a group are equal.

    A mean of equal numbers may differ from them in the last bit, and a spread of 0 divides by 1e-4 alone: without
    the exact 0 such a group would be trained on rounding errors, and could not be skipped.

    A completion whose reward is NaN is left out of means and spreads, as in TRL, and its advantage is 0.

    Args:
        rewards_P_G: the weighted sum of each completion's rewards; groups of at least 2.
        baseline: `mean` of the group (GRPO, arXiv 2402.03300), or `leave_one_out`: the mean of the others (RLOO,
            arXiv 2402.14740), which is G / (G - 1) times as far away.
        scale: the standard deviation (over n - 1) of the `group` (GRPO) or of the whole `batch`, plus 1e-4; or
            `none` (Dr. GRPO, arXiv 2503.20783, and RLOO).

    Raises:
        ValueError: for groups of one, or an unknown choice.
    """
    if rewards_P_G.shape[1] < 2:
        raise ValueError(f"rewards_P_G is {tuple(rewards_P_G.shape)}; a group has at least 2 completions.")
    centred_P_G = rewards_P_G - rewards_P_G.nanmean(dim=1, keepdim=True)
    if baseline == "leave_one_out":
        num_scored_P_1 = (~rewards_P_G.isnan()).to(rewards_P_G.dtype).sum(dim=1, keepdim=True)
        centred_P_G = centred_P_G * (num_scored_P_1 / (num_scored_P_1 - 1))
    elif baseline != "mean":
        raise ValueError(f"baseline is {baseline!r}; it must be mean or leave_one_out.")
    if scale == "group":
        centred_P_G = centred_P_G / (spread(rewards_P_G) + _EPSILON)
    elif scale == "batch":
        centred_P_G = centred_P_G / (spread(rewards_P_G.reshape(1, -1)) + _EPSILON)
    elif scale != "none":
        raise ValueError(f"scale is {scale!r}; it must be group, batch or none.")
    return zero_where_equal(centred_P_G, rewards_P_G)


def zero_where_equal(advantages_P_G: Tensor, rewards_P_G: Tensor) -> Tensor:
    """Return the advantages, exactly 0 in groups of equal rewards and where the reward is NaN."""
    highest_P_1 = rewards_P_G.nan_to_num(nan=-torch.inf).amax(dim=1, keepdim=True)
    lowest_P_1 = rewards_P_G.nan_to_num(nan=torch.inf).amin(dim=1, keepdim=True)
    is_taken_P_G = (highest_P_1 > lowest_P_1) & ~rewards_P_G.isnan()
    return torch.where(is_taken_P_G, advantages_P_G, 0)


def spread(rewards_N_G: Tensor) -> Tensor:
    """Return the standard deviation (over n - 1) of each row's numbers; NaN for a single one."""
    if not rewards_N_G.isnan().any():  # the usual case keeps torch's own rounding
        return rewards_N_G.std(dim=1, keepdim=True)
    centred_N_G = rewards_N_G - rewards_N_G.nanmean(dim=1, keepdim=True)
    num_scored_N_1 = (~rewards_N_G.isnan()).sum(dim=1, keepdim=True)
    return ((centred_N_G**2).nansum(dim=1, keepdim=True) / (num_scored_N_1 - 1)).sqrt()
