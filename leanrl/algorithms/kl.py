"""Divergence of the policy from its reference, token by token.

Axes: B completions, T completion tokens.
"""

import torch
from torch import Tensor


def k3_divergence(logprobs_B_T: Tensor, reference_logprobs_B_T: Tensor) -> Tensor:
    """Return exp(d) - d - 1 with d = reference - policy log-probability: never negative, 0 where they agree.

    Source: Schulman, "Approximating KL Divergence" (2020), k3; GRPO, arXiv 2402.03300, eq. 4. Its gradient is
    taken as it stands, without the ratio that newer TRL multiplies it with (`use_bias_correction_kl`).
    """
    difference_B_T = reference_logprobs_B_T - logprobs_B_T
    return torch.exp(difference_B_T) - difference_B_T - 1
