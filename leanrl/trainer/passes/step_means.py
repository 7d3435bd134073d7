"""Means over the tokens of a step, of all ranks, by the names under which they are logged."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from leanrl.algorithms.corrections import rollout_mismatch
from leanrl.engine.step import StepSums


def step_means(
    sums: StepSums,
    *,
    num_completion_tokens: int,
    reduce: Callable[[Tensor], Tensor],
    gather: Callable[[list[Any]], list[Any]],
) -> dict[str, float]:
    """Return entropy and KL of the tokens that went through the model, and which share was clipped or left out.

    Without any token through the model entropy and KL are unknown, and missing. Where a rollout engine reported
    log-probabilities, `mismatch/` says how far they are from the trainer's.

    Args:
        sums: of this rank.
        num_completion_tokens: of all ranks, those that were left out among them.
        reduce: sums a tensor over all ranks.
        gather: concatenates lists of all ranks.
    """
    values = torch.stack([sums.num_tokens, sums.entropy, sums.divergence, sums.num_clipped])
    num_tokens, entropy, divergence, num_clipped = reduce(values).tolist()
    count = max(1, num_completion_tokens)
    means = {"clipped_ratio_share": num_clipped / count, "skipped_token_share": 1 - num_tokens / count}
    if num_tokens:
        means |= {"entropy": entropy / num_tokens, "kl": divergence / num_tokens}
    return means | mismatch_means(sums.log_ratios, gather=gather)


def mismatch_means(log_ratios: Sequence[Tensor], *, gather: Callable[[list[Any]], list[Any]]) -> dict[str, float]:
    """Return how far a rollout engine's log-probabilities are from the trainer's; nothing where it reported none.

    Args:
        log_ratios: log(trainer's / engine's probability) of this rank's tokens in flat tensors, NaN at padding.
    """
    flat_N = torch.cat([log_ratios_N.float().cpu() for log_ratios_N in log_ratios] or [torch.empty(0)])
    mismatch = rollout_mismatch(torch.cat(gather([flat_N[~flat_N.isnan()]])))
    return {} if mismatch is None else {f"mismatch/{name}": value for name, value in asdict(mismatch).items()}
