"""MaxRL: an advantage that divides by the mean, so that rare successes weigh more.

Axes: P prompts, G completions of a prompt (the group).
"""

from typing import TYPE_CHECKING

from leanrl.config.sections.field_types import NonNegative
from leanrl.seams.registry import plugin

if TYPE_CHECKING:
    from torch import Tensor


@plugin("advantage", "max_rl")
def max_rl(rewards_P_G: "Tensor", lengths_P_G: "Tensor", *, min_mean: NonNegative = 0.0) -> "Tensor":
    """Return (reward - mean) / max(mean, min_mean) with the group's mean; exactly 0 where the mean is not positive.

    With 0/1 rewards and a fraction k of right completions: (1 - k) / k for a right one, -1 for a wrong one. The
    expected gradient of a bandit with solve rate p is (1 - p) (1 - (1 - p)^(G - 1)): the order G - 1 of the expansion
    of log p, where the plain mean gives p (1 - p) (G - 1) / G.

    It needs rewards of at least 0. A reward that may be negative (`laser`, `hapo`, `cosine`, penalties) can bring the
    mean near 0, where the advantages grow without bound, or below it, where the group is left out.

    A completion whose reward is NaN is left out of the mean, and its advantage is 0; so is that of a whole group of
    equal rewards.

    Args:
        min_mean: bounds the factor of rare successes; 0.125 is the clipped variant, 0 bounds nothing.

    Source: arXiv 2602.02710. Its code adds 1e-6 to the mean; here a group without a success is 0 without it.
    """
    from leanrl.algorithms.advantages import zero_where_equal

    means_P_1 = rewards_P_G.nanmean(dim=1, keepdim=True)
    has_success_P_1 = means_P_1 > 0
    divisors_P_1 = means_P_1.clamp(min=min_mean).where(has_success_P_1, 1)
    scaled_P_G = (rewards_P_G - means_P_1) / divisors_P_1
    return zero_where_equal(scaled_P_G.where(has_success_P_1, 0), rewards_P_G)
