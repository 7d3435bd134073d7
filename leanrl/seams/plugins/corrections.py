"""Corrections for the rollout engine's other probabilities; each is a factor of the policy loss of a token.

Axes: B completions, T completion tokens.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from leanrl.config.sections.field_types import Positive
from leanrl.seams.registry import plugin

if TYPE_CHECKING:
    from torch import Tensor


@plugin("correction", "none")
def none(logprobs_B_T: "Tensor", rollout_logprobs_B_T: "Tensor", mask_B_T: "Tensor") -> "Tensor":
    """1: the difference is left as it is."""
    return mask_B_T.new_ones(mask_B_T.shape)


@plugin("correction", "token_truncate")
def token_truncate(
    logprobs_B_T: "Tensor", rollout_logprobs_B_T: "Tensor", mask_B_T: "Tensor", *, clip: Positive = 2.0
) -> "Tensor":
    """Each token's ratio, cut at `clip`: truncated importance sampling."""
    from leanrl.algorithms.corrections import truncated_ratios

    return truncated_ratios(logprobs_B_T, rollout_logprobs_B_T, clip=clip)


@plugin("correction", "sequence_mask")
def sequence_mask(
    logprobs_B_T: "Tensor",
    rollout_logprobs_B_T: "Tensor",
    mask_B_T: "Tensor",
    *,
    clip: Positive = 2.0,
    mask_low: Annotated[float, Field(gt=0.0, le=1.0)] = 0.999,
    mask_high: Annotated[float, Field(ge=1.0)] = 1.002,
) -> "Tensor":
    """Each token's ratio, cut at `clip`; 0 for completions whose geometric mean ratio is out of its window.

    Args:
        mask_low, mask_high: the window around 1; the defaults are those of ProRLv2.1's recipe (NeMo-RL).
    """
    from leanrl.algorithms.corrections import masked_ratios

    return masked_ratios(
        logprobs_B_T, rollout_logprobs_B_T, mask_B_T, clip=clip, mask_low=mask_low, mask_high=mask_high
    )
