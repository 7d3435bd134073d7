"""IcePop: tokens that trainer and rollout engine disagree about are left out.

Axes: B completions of a micro-batch, T completion tokens.
"""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from leanrl.seams.registry import plugin

if TYPE_CHECKING:
    from torch import Tensor


@plugin("correction", "icepop")
def icepop(
    logprobs_B_T: "Tensor",
    rollout_logprobs_B_T: "Tensor",
    mask_B_T: "Tensor",
    *,
    low: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5,
    high: Annotated[float, Field(ge=1.0)] = 5.0,
) -> "Tensor":
    """Return the ratio r_t = trainer's / engine's probability of each token, and 0 where it is outside [low, high].

    Truncation (`token_truncate`) keeps a token with a large ratio at the bound; this drops it, and tokens with a small
    ratio too. The denominators count dropped tokens. A token that the engine gave no log-probability for has ratio 1.

    Args:
        low, high: bounds of the ratio, both inside.

    Source: arXiv 2510.18855; 0.5 and 5 are the values that verl and NeMo RL document.
    """
    from leanrl.algorithms.corrections import log_ratios

    ratios_B_T = log_ratios(logprobs_B_T, rollout_logprobs_B_T).exp()
    return ratios_B_T.where((ratios_B_T >= low) & (ratios_B_T <= high), 0)
