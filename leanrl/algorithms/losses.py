"""Loss of each token, before any averaging, and where its clip acts.

Averaging is a separate choice: see `aggregation`. DAPO, BNPO and Dr. GRPO are averages of the clipped loss.

Axes: B completions, T completion tokens.
"""

import torch
from torch import Tensor


def clipped_policy_loss(
    logprobs_B_T: Tensor,
    sampled_logprobs_B_T: Tensor,
    advantages_B_T: Tensor,
    *,
    clip_low: float,
    clip_high: float,
) -> Tensor:
    """Return the clipped surrogate loss of each token.

    loss_t = -min(r_t A, clip(r_t, 1 - clip_low, 1 + clip_high) A),  r_t = exp(logprob_t - sampled_logprob_t)

    Args:
        logprobs_B_T: log-probabilities (nats) under the policy being trained, with their gradient.
        sampled_logprobs_B_T: the same tokens under the policy that sampled them; no gradient.
        advantages_B_T: of each token; T is 1 where all tokens of a completion share one.
        clip_low, clip_high: distance of the clip bounds from 1; equal in GRPO, clip_high > clip_low in DAPO.

    Raises:
        ValueError: if the two log-probability tensors differ in shape.

    Source: GRPO, arXiv 2402.03300, eq. 3 without its KL term (see `kl`);
    asymmetric clip: DAPO, arXiv 2503.14476, sec. 3.1.
    """
    ratio_B_T = token_ratios(logprobs_B_T, sampled_logprobs_B_T)
    return _clipped(ratio_B_T, advantages_B_T, clip_low=clip_low, clip_high=clip_high)


def sequence_policy_loss(
    logprobs_B_T: Tensor,
    sampled_logprobs_B_T: Tensor,
    advantages_B_T: Tensor,
    mask_B_T: Tensor,
    *,
    clip_low: float,
    clip_high: float,
) -> Tensor:
    """Return GSPO's loss: as `clipped_policy_loss`, with one ratio for all tokens of a completion.

    s = exp(mean_t(logprob_t - sampled_logprob_t)). The paper's average is `completion_mean`, and its bounds lie
    about a thousand times closer to 1 than GRPO's (3e-4 and 4e-4).

    Source: GSPO, arXiv 2507.18071, eq. 5 to 7.
    """
    ratio_B_T = sequence_ratios(logprobs_B_T, sampled_logprobs_B_T, mask_B_T)
    return _clipped(ratio_B_T, advantages_B_T, clip_low=clip_low, clip_high=clip_high)


def clipped_weight_loss(
    logprobs_B_T: Tensor,
    sampled_logprobs_B_T: Tensor,
    advantages_B_T: Tensor,
    *,
    clip_low: float,
    clip_high: float,
) -> Tensor:
    """Return CISPO's loss: -clip(r_t, 1 - clip_low, 1 + clip_high) A logprob_t, the clipped ratio held constant.

    A token beyond the bounds keeps its gradient, at the bound's weight. The paper sets no lower bound: clip_low = 1.

    Source: MiniMax-M1, arXiv 2506.13585, eq. 4 and 5.
    """
    ratio_B_T = token_ratios(logprobs_B_T, sampled_logprobs_B_T).detach()
    return -ratio_B_T.clamp(1 - clip_low, 1 + clip_high) * advantages_B_T * logprobs_B_T


def token_ratios(logprobs_B_T: Tensor, sampled_logprobs_B_T: Tensor) -> Tensor:
    """Return each token's probability under the trained policy over that under the sampling one."""
    if logprobs_B_T.shape != sampled_logprobs_B_T.shape:
        raise ValueError(
            f"logprobs_B_T is {tuple(logprobs_B_T.shape)} but sampled_logprobs_B_T is "
            f"{tuple(sampled_logprobs_B_T.shape)}; pass both over completion tokens only."
        )
    return torch.exp(logprobs_B_T - sampled_logprobs_B_T)


def sequence_ratios(logprobs_B_T: Tensor, sampled_logprobs_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    """Return the geometric mean of each completion's token ratios, at each of its tokens; 1 without a token."""
    difference_B_T = (logprobs_B_T - sampled_logprobs_B_T) * mask_B_T
    mean_B_1 = difference_B_T.sum(dim=1, keepdim=True) / mask_B_T.sum(dim=1, keepdim=True).clamp(min=1)
    return torch.exp(mean_B_1).expand_as(logprobs_B_T)


def beyond_clip(ratio_B_T: Tensor, advantages_B_T: Tensor, *, clip_low: float, clip_high: float) -> Tensor:
    """Return 1 where the clip acts, else 0: above the bound for a good token, below it for a bad one."""
    above_B_T = (ratio_B_T > 1 + clip_high) & (advantages_B_T > 0)
    below_B_T = (ratio_B_T < 1 - clip_low) & (advantages_B_T < 0)
    return (above_B_T | below_B_T).to(ratio_B_T.dtype)


def _clipped(ratio_B_T: Tensor, advantages_B_T: Tensor, *, clip_low: float, clip_high: float) -> Tensor:
    clipped_B_T = ratio_B_T.clamp(1 - clip_low, 1 + clip_high)
    return -torch.minimum(ratio_B_T * advantages_B_T, clipped_B_T * advantages_B_T)
