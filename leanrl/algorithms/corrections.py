"""Corrections for tokens that were drawn with other probabilities than the trainer computes.

A rollout engine has kernels, batch shapes and often a number format of its own. Its probability of a token differs
a little from that of the same weights in the trainer, and by more where something is wrong.

Axes: B completions, T completion tokens, N completion tokens of a step.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from leanrl.algorithms.losses import sequence_ratios


def truncated_ratios(logprobs_B_T: Tensor, rollout_logprobs_B_T: Tensor, *, clip: float) -> Tensor:
    """Return min(r_t, clip) with r_t = trainer's / engine's probability of the token; no gradient flows through it.

    Args:
        logprobs_B_T: the sampling policy's log-probabilities, by the trainer.
        rollout_logprobs_B_T: the same by the engine; NaN where it gave none, which counts as a ratio of 1.

    Source: truncated importance sampling, Yao et al. 2025, "Your Efficient RL Framework Secretly Brings You Off-Policy
    RL Training".
    """
    return torch.exp(log_ratios(logprobs_B_T, rollout_logprobs_B_T)).clamp(max=clip)


def masked_ratios(
    logprobs_B_T: Tensor,
    rollout_logprobs_B_T: Tensor,
    mask_B_T: Tensor,
    *,
    clip: float,
    mask_low: float,
    mask_high: float,
) -> Tensor:
    """Return `truncated_ratios`, and 0 for completions whose geometric mean ratio lies outside [mask_low, mask_high].

    A product of ratios instead of their mean would drop or shrink long completions for nothing but their length.

    Args:
        mask_B_T: 1 for completion tokens, 0 behind them.
    """
    log_ratios_B_T = log_ratios(logprobs_B_T, rollout_logprobs_B_T)
    means_B_T = sequence_ratios(log_ratios_B_T, torch.zeros_like(log_ratios_B_T), mask_B_T)
    is_inside_B_T = (means_B_T >= mask_low) & (means_B_T <= mask_high)
    return truncated_ratios(logprobs_B_T, rollout_logprobs_B_T, clip=clip) * is_inside_B_T


def log_ratios(logprobs_B_T: Tensor, rollout_logprobs_B_T: Tensor) -> Tensor:
    """Return log(trainer's / engine's probability) of each token, without gradient; 0 where the engine gave none."""
    difference_B_T = logprobs_B_T.detach() - rollout_logprobs_B_T
    return torch.where(rollout_logprobs_B_T.isnan(), 0, difference_B_T)


@dataclass(frozen=True)
class RolloutMismatch:
    """How far trainer and engine are apart over a step's tokens, before anything is cut or left out.

    Log-probabilities differ in nats; ratios are trainer's / engine's probability. `effective_share` is the
    effective sample size (sum r)^2 / sum r^2 as a fraction of the tokens: 1 where all ratios are equal.
    """

    logprob_difference_mean: float
    logprob_difference_max: float
    ratio_p01: float
    ratio_p50: float
    ratio_p99: float
    effective_share: float


def rollout_mismatch(log_ratios_N: Sequence[float] | Tensor) -> RolloutMismatch | None:
    """Return the mismatch of a step's tokens; None without a token."""
    log_ratios_N = torch.as_tensor(log_ratios_N, dtype=torch.float64)
    if log_ratios_N.numel() == 0:
        return None
    ratios_N = torch.exp(log_ratios_N)
    low, median, high = torch.quantile(_at_most(ratios_N), torch.tensor([0.01, 0.5, 0.99], dtype=torch.float64))
    return RolloutMismatch(
        logprob_difference_mean=float(log_ratios_N.abs().mean()),
        logprob_difference_max=float(log_ratios_N.abs().max()),
        ratio_p01=float(low),
        ratio_p50=float(median),
        ratio_p99=float(high),
        effective_share=float(ratios_N.sum().square() / ratios_N.square().sum() / ratios_N.numel()),
    )


def _at_most(values_N: Tensor, *, count: int = 2**24) -> Tensor:
    """Return the values, thinned evenly where there are more than torch.quantile takes (2^24)."""
    return values_N[:: -(-values_N.numel() // count)]
