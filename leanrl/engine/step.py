"""One micro-batch in, loss and gradients out.

Static shapes only: no boolean index and no `.item()`, so that the same file runs under fake tensors.

Axes: B completions, S tokens of the longest row, T tokens of the longest completion.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from leanrl.algorithms.kl import k3_divergence
from leanrl.algorithms.losses import clipped_policy_loss
from leanrl.engine.rows import MicroBatch


@dataclass(frozen=True)
class LossSettings:
    """What the loss of a step depends on besides the rows."""

    clip_low: float
    clip_high: float
    kl_beta: float
    temperature: float


@dataclass(frozen=True)
class StepSums:
    """Sums over one micro-batch's completion tokens, as scalars on the device; `loss` is its share of the step's."""

    loss: Tensor
    num_tokens: Tensor
    entropy: Tensor
    divergence: Tensor
    num_clipped: Tensor

    def __add__(self, other: "StepSums") -> "StepSums":
        return StepSums(
            loss=self.loss + other.loss,
            num_tokens=self.num_tokens + other.num_tokens,
            entropy=self.entropy + other.entropy,
            divergence=self.divergence + other.divergence,
            num_clipped=self.num_clipped + other.num_clipped,
        )


def train_micro_batch(
    model: nn.Module,
    micro_batch: MicroBatch,
    *,
    settings: LossSettings,
    backward: Callable[[Tensor], None] = Tensor.backward,
) -> StepSums:
    """Add the micro-batch's gradients to the model's and return its sums.

    loss = sum_i weight_i sum_t [clipped surrogate_it + kl_beta * k3_it]

    Without `sampled_logprobs_B_T` the step is on-policy: the policy's own detached log-probabilities stand in,
    the ratio is 1, and no forward pass is spent on them.
    """
    logprobs_B_T, entropies_B_T = _score(model, micro_batch, settings.temperature)
    sampled_B_T = micro_batch.sampled_logprobs_B_T
    if sampled_B_T is None:
        sampled_B_T = logprobs_B_T.detach()
    token_losses_B_T = clipped_policy_loss(
        logprobs_B_T,
        sampled_B_T,
        micro_batch.advantages_B,
        clip_low=settings.clip_low,
        clip_high=settings.clip_high,
    )
    divergence_B_T = torch.zeros_like(logprobs_B_T)
    if micro_batch.reference_logprobs_B_T is not None:
        divergence_B_T = k3_divergence(logprobs_B_T, micro_batch.reference_logprobs_B_T)
        token_losses_B_T = token_losses_B_T + settings.kl_beta * divergence_B_T
    mask_B_T = micro_batch.mask_B_T
    loss = ((token_losses_B_T * mask_B_T).sum(dim=1) * micro_batch.weights_B).sum()
    backward(loss)
    return StepSums(
        loss=loss.detach(),
        num_tokens=mask_B_T.sum(),
        entropy=(entropies_B_T * mask_B_T).sum(),
        divergence=(divergence_B_T.detach() * mask_B_T).sum(),
        num_clipped=(_is_clipped(logprobs_B_T.detach(), sampled_B_T, micro_batch, settings) * mask_B_T).sum(),
    )


@torch.no_grad()
def score_micro_batch(model: nn.Module, micro_batch: MicroBatch, *, temperature: float) -> Tensor:
    """Return logprobs_B_T of the completion tokens; 0 behind each completion's end."""
    logprobs_B_T, _ = _score(model, micro_batch, temperature)
    return logprobs_B_T * micro_batch.mask_B_T


def _score(model: nn.Module, micro_batch: MicroBatch, temperature: float) -> tuple[Tensor, Tensor]:
    return model(
        input_ids=micro_batch.input_ids_B_S,
        positions_B_T=micro_batch.positions_B_T,
        target_ids_B_T=micro_batch.target_ids_B_T,
        temperature=temperature,
    )


def _is_clipped(
    logprobs_B_T: Tensor, sampled_logprobs_B_T: Tensor, micro_batch: MicroBatch, settings: LossSettings
) -> Tensor:
    """1 where the clip takes the gradient away: above the bound for a good token, below it for a bad one."""
    ratio_B_T = torch.exp(logprobs_B_T - sampled_logprobs_B_T)
    good_B_1 = micro_batch.advantages_B[:, None] > 0
    bad_B_1 = micro_batch.advantages_B[:, None] < 0
    above_B_T = (ratio_B_T > 1 + settings.clip_high) & good_B_1
    below_B_T = (ratio_B_T < 1 - settings.clip_low) & bad_B_1
    return (above_B_T | below_B_T).float()
