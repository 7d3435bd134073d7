"""Groups of a rollout on their way to rows: asked, drawn, kept.

Axes: G completions of a prompt, K rewards, P kept groups of all ranks, T completion tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import torch
from torch import Tensor

from leanrl.engine.rows import StepRow
from leanrl.seams.protocols import Draft, Group, Kept, TokenCredit
from leanrl.types import Visit


@dataclass(frozen=True)
class Asked:
    """One prompt that is asked: its row of the data, its tokens, and how each of its completions begins."""

    row_number: int
    prompt_id: str
    prompt_ids: list[int]
    drafts_G: list[Draft]

    @property
    def beginnings(self) -> list[list[int]]:
        """What the engine goes on from: the prompt and the forced tokens of each completion."""
        return [[*self.prompt_ids, *draft.forced_ids] for draft in self.drafts_G]


@dataclass(frozen=True)
class KeptGroup:
    """A finished group and which of its rows are trained."""

    asked: Asked
    group: Group
    kept: Kept

    @property
    def counted_rewards(self) -> list[float]:
        """The rewards that the group's advantages are made with; NaN for what does not count."""
        if self.kept.stats == "group":
            return list(self.group.rewards_G)
        kept = set(self.kept.rows)
        return [reward if row in kept else nan for row, reward in enumerate(self.group.rewards_G)]

    def rows(self, advantages_G: Tensor, credits_G: Sequence[TokenCredit], *, masks_truncated: bool) -> list[StepRow]:
        """Return the rows that are trained; a completion that is masked has none of its tokens."""
        return [
            self._row(row, float(advantages_G[row]), credits_G[row], masks_truncated=masks_truncated)
            for row in self.kept.rows
        ]

    def _row(self, row: int, advantage: float, credit: TokenCredit, *, masks_truncated: bool) -> StepRow:
        ids = list(self.group.completion_ids_G[row])
        is_masked = masks_truncated and self.group.samples_G[row].is_truncated
        end = 0 if is_masked else len(ids) if credit.last_token is None else credit.last_token + 1
        logprobs_G = self.group.rollout_logprobs_G
        return StepRow(
            prompt_ids=self.asked.prompt_ids,
            completion_ids=ids[:end],
            advantage=advantage,
            token_advantages=None if credit.advantages_T is None else credit.advantages_T[:end],
            token_weights=_weights(self.asked.drafts_G[row], credit, len(ids), end),
            rollout_logprobs=None if logprobs_G is None else torch.tensor(logprobs_G[row][:end], dtype=torch.float32),
        )


def padded(values_P: Sequence[Sequence[float]], *, filler: float) -> Tensor:
    """Return numbers of groups that may differ in size with the axes P and G."""
    size = max((len(values) for values in values_P), default=0)
    rows = [[*values, *[filler] * (size - len(values))] for values in values_P]
    return torch.tensor(rows, dtype=torch.float32).view(len(values_P), size)


def visit_of(group: Group, *, step: int, epoch: int) -> Visit:
    """Return what the ledger keeps of a group."""
    return Visit(
        step=step,
        epoch=epoch,
        rewards_G=tuple(group.rewards_G),
        correct_G=tuple(group.correct_G),
        lengths_G=tuple(group.lengths),
        truncated_G=tuple(sample.is_truncated for sample in group.samples_G),
    )


def forced_logprobs(draft: Draft) -> list[float]:
    """Return the log-probabilities of a draft's forced tokens; NaN where only the trainer can score them."""
    return list(draft.forced_logprobs) if draft.forced_logprobs is not None else [nan] * len(draft.forced_ids)


def _weights(draft: Draft, credit: TokenCredit, num_tokens: int, end: int) -> Tensor | None:
    if draft.trains_forced or not draft.forced_ids:
        return None if credit.weights_T is None else credit.weights_T[:end]
    weights_T = torch.ones(num_tokens) if credit.weights_T is None else credit.weights_T.clone()
    weights_T[: len(draft.forced_ids)] = 0.0
    return weights_T[:end]
