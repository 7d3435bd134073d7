"""One micro-batch in, loss and gradients out.

Static shapes only: no boolean index and no `.item()`, so that the same file runs under fake tensors.

Axes: B completions, S tokens of the longest row, T tokens of the longest completion.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from leanrl.algorithms.corrections import log_ratios
from leanrl.algorithms.kl import token_divergence
from leanrl.algorithms.losses import (
    beyond_clip,
    clipped_policy_loss,
    clipped_weight_loss,
    sequence_policy_loss,
    sequence_ratios,
    token_ratios,
)
from leanrl.engine.rows import MicroBatch
from leanrl.engine.settings import LossSettings


@dataclass(frozen=True)
class StepSums:
    """Sums over one micro-batch's completion tokens, as scalars on the device; `loss` is its part of the step's.

    `log_ratios` holds log(trainer's / rollout engine's probability) of the tokens, flat, NaN at padding: one tensor
    for each micro-batch, or none where the engine reported no log-probabilities.
    """

    loss: Tensor
    num_tokens: Tensor
    entropy: Tensor
    divergence: Tensor
    num_clipped: Tensor
    log_ratios: tuple[Tensor, ...] = ()

    def __add__(self, other: "StepSums") -> "StepSums":
        return StepSums(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))


def train_micro_batch(
    model: nn.Module,
    micro_batch: MicroBatch,
    *,
    settings: LossSettings,
    backward: Callable[[Tensor], None] = Tensor.backward,
) -> StepSums:
    """Add the micro-batch's gradients to the model's and return its sums.

    loss = sum_i weight_i sum_t weight_it [factor_it * policy loss_it + kl_beta * divergence_it
                                           - entropy_coef * entropy_it]

    The factor is that of the correction for the rollout engine and of `settings.token_weights`.

    Without `sampled_logprobs_B_T` the step is on-policy: the policy's own detached log-probabilities stand in,
    the ratio is 1, and no forward pass is spent on them.

    With `policy_logprobs_B_T` ratio and divergence have the values that they have without dropout, and their gradient
    flows through the pass with dropout. A ratio of two passes with different masks is noise: it would not be 1 before
    the first update, and the clip would act on it.
    """
    mask_B_T = micro_batch.mask_B_T
    logprobs_B_T, entropies_B_T = _score(model, micro_batch, settings.temperature)
    # Behind a completion's end stand scores of token 0. Left as they are, exp(0 - logprob) could overflow there,
    # and infinity times a mask of 0 is NaN.
    logprobs_B_T = logprobs_B_T * mask_B_T
    if micro_batch.policy_logprobs_B_T is not None:
        logprobs_B_T = micro_batch.policy_logprobs_B_T + (logprobs_B_T - logprobs_B_T.detach())
    sampled_B_T = micro_batch.sampled_logprobs_B_T
    if sampled_B_T is None:
        sampled_B_T = logprobs_B_T.detach()
    token_losses_B_T = _policy_losses(logprobs_B_T, sampled_B_T, micro_batch, settings)
    rollout_B_T = micro_batch.rollout_logprobs_B_T
    for factor_B_T in _factors(logprobs_B_T.detach(), sampled_B_T, entropies_B_T.detach(), micro_batch, settings):
        token_losses_B_T = token_losses_B_T * factor_B_T
    divergence_B_T = torch.zeros_like(logprobs_B_T)
    if micro_batch.reference_logprobs_B_T is not None:
        divergence_B_T = token_divergence(
            logprobs_B_T, micro_batch.reference_logprobs_B_T, estimator=settings.kl_estimator
        )
        token_losses_B_T = token_losses_B_T + settings.kl_beta * divergence_B_T
    if settings.entropy_coef != 0.0:
        token_losses_B_T = token_losses_B_T - settings.entropy_coef * entropies_B_T
    if micro_batch.token_weights_B_T is not None:
        token_losses_B_T = token_losses_B_T * micro_batch.token_weights_B_T
    loss = ((token_losses_B_T * mask_B_T).sum(dim=1) * micro_batch.weights_B).sum()
    backward(loss)
    return StepSums(
        loss=loss.detach(),
        num_tokens=mask_B_T.sum(),
        entropy=(entropies_B_T.detach() * mask_B_T).sum(),
        divergence=(divergence_B_T.detach() * mask_B_T).sum(),
        num_clipped=(_beyond_clip(logprobs_B_T.detach(), sampled_B_T, micro_batch, settings) * mask_B_T).sum(),
        log_ratios=() if rollout_B_T is None else (_flat_log_ratios(sampled_B_T, rollout_B_T, mask_B_T),),
    )


@torch.no_grad()
def score_micro_batch(model: nn.Module, micro_batch: MicroBatch, *, temperature: float) -> Tensor:
    """Return logprobs_B_T of the completion tokens; 0 behind each completion's end."""
    return score_with_graph(model, micro_batch, temperature=temperature)


def score_with_graph(model: nn.Module, micro_batch: MicroBatch, *, temperature: float) -> Tensor:
    """Return what `score_micro_batch` returns, with its graph where gradients are on."""
    logprobs_B_T, _ = _score(model, micro_batch, temperature)
    return logprobs_B_T * micro_batch.mask_B_T


def _score(model: nn.Module, micro_batch: MicroBatch, temperature: float) -> tuple[Tensor, Tensor]:
    packing = micro_batch.packing
    of_rows = {} if packing is None else {"position_ids": packing.position_ids_1_S, "row_bounds": packing.row_bounds}
    logprobs_B_T, entropies_B_T = model(
        input_ids=micro_batch.input_ids_B_S,
        positions_B_T=micro_batch.positions_B_T,
        target_ids_B_T=micro_batch.target_ids_B_T,
        temperature=temperature,
        **of_rows,
    )
    if packing is None:
        return logprobs_B_T, entropies_B_T
    shape = micro_batch.mask_B_T.shape
    return packing.spread(logprobs_B_T, shape), packing.spread(entropies_B_T, shape)


def _policy_losses(
    logprobs_B_T: Tensor, sampled_B_T: Tensor, micro_batch: MicroBatch, settings: LossSettings
) -> Tensor:
    clip = {"clip_low": settings.clip_low, "clip_high": settings.clip_high}
    advantages_B_T = micro_batch.advantages_B_T
    if settings.loss == "gspo":
        return sequence_policy_loss(logprobs_B_T, sampled_B_T, advantages_B_T, micro_batch.mask_B_T, **clip)
    if settings.loss == "cispo":
        return clipped_weight_loss(logprobs_B_T, sampled_B_T, advantages_B_T, **clip)
    return clipped_policy_loss(logprobs_B_T, sampled_B_T, advantages_B_T, **clip)


@torch.no_grad()
def _factors(
    logprobs_B_T: Tensor, sampled_B_T: Tensor, entropies_B_T: Tensor, micro_batch: MicroBatch, settings: LossSettings
) -> Iterator[Tensor]:
    """Yield the factors of the policy loss: the correction for the rollout engine, and a plug-in's token weights."""
    mask_B_T, rollout_B_T = micro_batch.mask_B_T, micro_batch.rollout_logprobs_B_T
    if settings.correction is not None and rollout_B_T is not None:
        yield settings.correction(sampled_B_T.detach(), rollout_B_T, mask_B_T)
    if settings.token_weights is not None:
        advantages_B_T = micro_batch.advantages_B_T.expand_as(mask_B_T)
        yield settings.token_weights(logprobs_B_T, sampled_B_T.detach(), entropies_B_T, advantages_B_T, mask_B_T)


def _beyond_clip(logprobs_B_T: Tensor, sampled_B_T: Tensor, micro_batch: MicroBatch, settings: LossSettings) -> Tensor:
    if settings.loss == "gspo":
        ratio_B_T = sequence_ratios(logprobs_B_T, sampled_B_T, micro_batch.mask_B_T)
    else:
        ratio_B_T = token_ratios(logprobs_B_T, sampled_B_T)
    return beyond_clip(ratio_B_T, micro_batch.advantages_B_T, clip_low=settings.clip_low, clip_high=settings.clip_high)


def _flat_log_ratios(sampled_B_T: Tensor, rollout_B_T: Tensor, mask_B_T: Tensor) -> Tensor:
    return torch.where(mask_B_T > 0, log_ratios(sampled_B_T, rollout_B_T), torch.nan).flatten()
