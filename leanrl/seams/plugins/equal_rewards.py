"""Groups whose rewards are all equal: they teach nothing.

Axes: P prompts, G completions of a prompt (the group).
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def zero_where_equal(advantages_P_G: "Tensor", rewards_P_G: "Tensor") -> "Tensor":
    """Return the advantages, exactly 0 in groups of equal rewards and where the reward is NaN.

    A mean of equal numbers may differ from them in the last bit: without the exact 0 such a group would be trained on
    rounding errors, and could not be skipped (see `algorithms.advantages`).
    """
    import torch

    highest_P_1 = rewards_P_G.nan_to_num(nan=-torch.inf).amax(dim=1, keepdim=True)
    lowest_P_1 = rewards_P_G.nan_to_num(nan=torch.inf).amin(dim=1, keepdim=True)
    is_taken_P_G = (highest_P_1 > lowest_P_1) & ~rewards_P_G.isnan()
    return torch.where(is_taken_P_G, advantages_P_G, 0)
