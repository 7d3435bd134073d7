"""OPO: an advantage against the length-weighted mean.

Axes: P prompts, G completions of a prompt (the group).
"""

from typing import TYPE_CHECKING

from leanrl.seams.registry import plugin

if TYPE_CHECKING:
    from torch import Tensor


@plugin("advantage", "opo", is_for_one_update=True)
def opo(rewards_P_G: "Tensor", lengths_P_G: "Tensor") -> "Tensor":
    """Return reward - sum(length * reward) / sum(length) over the group, without a division by its spread.

    The baseline has the least variance if gradients of tokens are independent and of one size. Long wrong completions
    pull it down: lengths 100, 100, 800 with rewards 1, 1, 0 give 0.2, where the mean is 0.667.

    The method is meant for one update for each rollout, without KL and entropy terms. A completion whose reward is NaN
    is left out, and its advantage is 0; so is that of a whole group of equal rewards.

    Source: arXiv 2505.23585.
    """
    from leanrl.algorithms.advantages import zero_where_equal

    lengths_P_G = lengths_P_G.clamp(min=1).to(rewards_P_G.dtype).masked_fill(rewards_P_G.isnan(), 0)
    weighted_P_1 = (lengths_P_G * rewards_P_G).nansum(dim=1, keepdim=True)
    return zero_where_equal(rewards_P_G - weighted_P_1 / lengths_P_G.sum(dim=1, keepdim=True), rewards_P_G)
