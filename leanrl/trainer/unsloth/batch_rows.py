"""Rows of the engine, from the padded tensors of TRL's batch.

Axes: B completions of one rank, T completion tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from leanrl.engine.rows import StepRow

# TRL's name of a tensor and the row's: the policy that sampled, the reference, the rollout engine's own numbers.
_LOGPROBS = {
    "old_per_token_logps": "sampled_logprobs",
    "ref_per_token_logps": "reference_logprobs",
    "sampling_per_token_logps": "rollout_logprobs",
}


def bare_rows(input_ids: Tensor, mask: Tensor, num_prompt_columns: int) -> list[StepRow]:
    """Return padded tensors, prompts on the left, as rows of plain token lists."""
    ids, keep = input_ids.tolist(), mask.tolist()
    return [
        StepRow(
            prompt_ids=_kept(row[:num_prompt_columns], kept_row[:num_prompt_columns]),
            completion_ids=_kept(row[num_prompt_columns:], kept_row[num_prompt_columns:]),
        )
        for row, kept_row in zip(ids, keep, strict=True)
    ]


def batch_rows(batch: Mapping[str, Any]) -> list[StepRow]:
    """Return the rows of a step with their advantages and log-probabilities; their weights are still to come."""
    input_ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
    rows = bare_rows(input_ids, mask, batch["prompt_ids"].shape[1])
    given = {ours: batch[theirs] for theirs, ours in _LOGPROBS.items() if batch.get(theirs) is not None}
    return [
        replace(
            row,
            advantage=advantage,
            **{name: logprobs_B_T[index, : len(row.completion_ids)] for name, logprobs_B_T in given.items()},
        )
        for index, (row, advantage) in enumerate(zip(rows, batch["advantages"].tolist(), strict=True))
    ]


def _kept(tokens: Sequence[int], mask: Sequence[int]) -> list[int]:
    return [token for token, kept in zip(tokens, mask, strict=True) if kept]
