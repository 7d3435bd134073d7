"""Loss of each token, before any averaging.

Axes: B completions, T completion tokens.
"""

import torch
from torch import Tensor


def clipped_policy_loss(
    logprobs_B_T: Tensor,
    sampled_logprobs_B_T: Tensor,
    advantages_B: Tensor,
    *,
    clip_low: float,
    clip_high: float,
) -> Tensor:
    """Return the clipped surrogate loss of each token.

    loss_t = -min(r_t A, clip(r_t, 1 - clip_low, 1 + clip_high) A),  r_t = exp(logprob_t - sampled_logprob_t)

    Averaging is a separate choice: see `aggregation`.

    Args:
        logprobs_B_T: log-probabilities (nats) under the policy being trained; carries the gradient.
        sampled_logprobs_B_T: the same tokens under the policy that sampled them; no gradient.
        advantages_B: one advantage per completion.
        clip_low, clip_high: distance of the clip bounds from 1; equal in GRPO, clip_high > clip_low in DAPO.

    Raises:
        ValueError: if the two log-probability tensors differ in shape.

    Source: GRPO, arXiv 2402.03300, eq. 3 without its KL term (see `kl`);
    asymmetric clip: DAPO, arXiv 2503.14476, sec. 3.1.
    """
    if logprobs_B_T.shape != sampled_logprobs_B_T.shape:
        raise ValueError(
            f"logprobs_B_T is {tuple(logprobs_B_T.shape)} but sampled_logprobs_B_T is "
            f"{tuple(sampled_logprobs_B_T.shape)}; pass both over completion tokens only."
        )
    ratio_B_T = torch.exp(logprobs_B_T - sampled_logprobs_B_T)
    clipped_B_T = ratio_B_T.clamp(1 - clip_low, 1 + clip_high)
    advantages_B_1 = advantages_B[:, None]
    return -torch.minimum(ratio_B_T * advantages_B_1, clipped_B_T * advantages_B_1)
