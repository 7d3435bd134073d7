"""Divergence of the policy from its reference, token by token.

Axes: B completions, T completion tokens.
"""

from typing import Literal

import torch
from torch import Tensor

KlEstimator = Literal["k1", "k2", "k3"]


def token_divergence(logprobs_B_T: Tensor, reference_logprobs_B_T: Tensor, *, estimator: KlEstimator) -> Tensor:
    """Return one sample's estimate of KL(policy, reference) at each token, in nats.

    With d = reference - policy log-probability:
    k1 = -d, unbiased, of either sign; k2 = d^2 / 2, never negative; k3 = exp(d) - d - 1, unbiased, never negative.

    As a loss each is differentiated as it stands, without the ratio that newer TRL multiplies it with
    (`use_bias_correction_kl`). On policy the gradient of k1 is then 0 on average and pulls nowhere, that of k2 is
    the gradient of this KL, and that of k3 the gradient of the KL the other way round.

    Raises:
        ValueError: for an unknown estimator.

    Source: Schulman, "Approximating KL Divergence" (2020); k3 as the loss: GRPO, arXiv 2402.03300, eq. 4.
    """
    difference_B_T = reference_logprobs_B_T - logprobs_B_T
    if estimator == "k1":
        return -difference_B_T
    if estimator == "k2":
        return difference_B_T.square() / 2
    if estimator == "k3":
        return torch.exp(difference_B_T) - difference_B_T - 1
    raise ValueError(f"estimator is {estimator!r}; it must be k1, k2 or k3.")
