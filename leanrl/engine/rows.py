"""Rows of a step, and the tensors that a micro-batch of them becomes.

Packed, all rows stand in one sequence without padding, and attention is told where each begins. Padded, each has a
sequence of its own, prompt and completion contiguous and padding on the right: plain causal attention then needs no
mask, because no real token ever sees the padding behind it (D14).

Axes: B completions, S tokens of the longest row, T tokens of the longest completion. In a pack the model sees one
sequence: S counts the tokens of all rows, M the completion tokens of all rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from leanrl.engine.attention.packed import RowBounds


@dataclass(frozen=True)
class StepRow:
    """One completion of the step with what its loss needs.

    `weight` is the completion's part of the step (see `algorithms.aggregation`). `token_advantages` stand in the place
    of `advantage`, and `token_weights` are factors of the tokens' losses; None where all tokens are alike.

    The log-probabilities, where present, hold one number per completion token: under the policy that sampled it, under
    the reference, both by the trainer, and under the sampling policy as the rollout engine reported them.
    `policy_logprobs` are those of the policy that is being trained where its training pass has dropout: the trainer's
    three have none.
    """

    prompt_ids: list[int]
    completion_ids: list[int]
    advantage: float = 0.0
    weight: float = 0.0
    token_advantages: Tensor | None = None
    token_weights: Tensor | None = None
    sampled_logprobs: Tensor | None = None
    reference_logprobs: Tensor | None = None
    rollout_logprobs: Tensor | None = None
    policy_logprobs: Tensor | None = None

    @property
    def num_tokens(self) -> int:
        return len(self.prompt_ids) + len(self.completion_ids)

    @property
    def counted_tokens(self) -> float:
        """The sum of the weights of its completion tokens: their number where each counts once."""
        return len(self.completion_ids) if self.token_weights is None else float(self.token_weights.sum())

    @property
    def has_advantage(self) -> bool:
        """Whether one of its tokens has an advantage that is not 0."""
        if self.token_advantages is None:
            return self.advantage != 0.0
        return bool(self.token_advantages.count_nonzero())


@dataclass(frozen=True)
class Packing:
    """How the rows of a pack stand in their one sequence, and where their scores belong.

    `position_ids_1_S` begins anew with each row; `slots_M` is the place of each scored token among B x T.
    """

    position_ids_1_S: Tensor
    row_bounds: RowBounds
    slots_M: Tensor

    def spread(self, scores_1_M: Tensor, shape: torch.Size) -> Tensor:
        """Return the scores with axes B and T; 0 behind each completion's end."""
        return scores_1_M.new_zeros(shape.numel()).index_copy(0, self.slots_M, scores_1_M[0]).view(shape)


@dataclass(frozen=True)
class MicroBatch:
    """Tensors of one forward and backward pass.

    `positions_B_T` is where the hidden state that predicts each completion token stands; it and the targets
    point at valid places behind a completion's end too, where `mask_B_T` is 0. T of `advantages_B_T` is 1 where every
    token has its row's advantage; without `token_weights_B_T` each token counts once. In a pack positions and targets
    have the axes 1 and M, and `input_ids_B_S` is one sequence; what enters the loss has the axes B and T all the same.
    """

    input_ids_B_S: Tensor
    positions_B_T: Tensor
    target_ids_B_T: Tensor
    mask_B_T: Tensor
    advantages_B_T: Tensor
    weights_B: Tensor
    token_weights_B_T: Tensor | None = None
    sampled_logprobs_B_T: Tensor | None = None
    reference_logprobs_B_T: Tensor | None = None
    rollout_logprobs_B_T: Tensor | None = None
    policy_logprobs_B_T: Tensor | None = None
    packing: Packing | None = None


def lay_out(
    rows: Sequence[StepRow], *, pad_id: int, device: torch.device | str, dtype: torch.dtype = torch.float32
) -> MicroBatch:
    """Return the tensors of a padded micro-batch, trimmed to its longest row and its longest completion.

    `dtype` is that of everything that enters the loss: fp32 whatever the model's, or finer.
    """
    num_columns = max(row.num_tokens for row in rows)
    num_targets = _num_targets(rows)
    input_ids, positions, targets = [], [], []
    for row in rows:
        length = len(row.completion_ids)
        first = len(row.prompt_ids) - 1
        input_ids.append(_pad([*row.prompt_ids, *row.completion_ids], pad_id, num_columns))
        positions.append(_pad(list(range(first, first + length)), first, num_targets))
        targets.append(_pad(row.completion_ids, 0, num_targets))
    return MicroBatch(
        input_ids_B_S=torch.tensor(input_ids, device=device),
        positions_B_T=torch.tensor(positions, device=device),
        target_ids_B_T=torch.tensor(targets, device=device),
        **_loss_tensors(rows, device=device, dtype=dtype),
    )


def pack(
    rows: Sequence[StepRow], *, pad_id: int, device: torch.device | str, dtype: torch.dtype = torch.float32
) -> MicroBatch:
    """Return the tensors of a packed micro-batch; `pad_id` is scored, for nothing, where no completion has a token."""
    num_targets = _num_targets(rows)
    input_ids, position_ids, positions, targets, slots = [], [], [], [], []
    for number, row in enumerate(rows):
        length = len(row.completion_ids)
        first = len(input_ids) + len(row.prompt_ids) - 1
        input_ids += [*row.prompt_ids, *row.completion_ids]
        position_ids += range(row.num_tokens)
        positions += range(first, first + length)
        targets += row.completion_ids
        slots += range(number * num_targets, number * num_targets + length)
    packing = Packing(
        position_ids_1_S=torch.tensor([position_ids], device=device),
        row_bounds=RowBounds.of([row.num_tokens for row in rows], device),
        slots_M=torch.tensor(slots or [0], device=device),
    )
    return MicroBatch(
        input_ids_B_S=torch.tensor([input_ids], device=device),
        positions_B_T=torch.tensor([positions or [0]], device=device),
        target_ids_B_T=torch.tensor([targets or [pad_id]], device=device),
        packing=packing,
        **_loss_tensors(rows, device=device, dtype=dtype),
    )


def padded_tokens(lengths: Sequence[int]) -> int:
    """Return how many tokens rows of these lengths take where each is as long as the longest."""
    return len(lengths) * max(lengths)


@dataclass(frozen=True)
class Layout:
    """How rows become a micro-batch, and how many tokens of it the model sees."""

    lay_out: Callable[..., MicroBatch]
    num_tokens: Callable[[Sequence[int]], int]


PADDED = Layout(lay_out, padded_tokens)
PACKED = Layout(pack, sum)


def _num_targets(rows: Sequence[StepRow]) -> int:
    return max(1, max(len(row.completion_ids) for row in rows))


def _loss_tensors(
    rows: Sequence[StepRow], *, device: torch.device | str, dtype: torch.dtype
) -> dict[str, Tensor | None]:
    num_targets = _num_targets(rows)
    lengths = [len(row.completion_ids) for row in rows]
    mask = [_pad([1.0] * length, 0.0, num_targets) for length in lengths]
    return {
        "mask_B_T": torch.tensor(mask, dtype=dtype, device=device),
        "advantages_B_T": _advantages(rows, num_targets, device, dtype),
        "token_weights_B_T": _token_weights(rows, num_targets, device, dtype),
        "weights_B": torch.tensor([row.weight for row in rows], dtype=dtype, device=device),
        "sampled_logprobs_B_T": _stack([row.sampled_logprobs for row in rows], num_targets, device, dtype),
        "reference_logprobs_B_T": _stack([row.reference_logprobs for row in rows], num_targets, device, dtype),
        "rollout_logprobs_B_T": _stack([row.rollout_logprobs for row in rows], num_targets, device, dtype),
        "policy_logprobs_B_T": _stack([row.policy_logprobs for row in rows], num_targets, device, dtype),
    }


def _advantages(rows: Sequence[StepRow], num_targets: int, device: torch.device | str, dtype: torch.dtype) -> Tensor:
    advantages_B_1 = torch.tensor([[row.advantage] for row in rows], dtype=dtype, device=device)
    if all(row.token_advantages is None for row in rows):
        return advantages_B_1
    advantages_B_T = advantages_B_1.repeat(1, num_targets)
    for index, row in enumerate(rows):
        if row.token_advantages is not None:
            advantages_B_T[index, : len(row.completion_ids)] = row.token_advantages
    return advantages_B_T


def _token_weights(
    rows: Sequence[StepRow], num_targets: int, device: torch.device | str, dtype: torch.dtype
) -> Tensor | None:
    if all(row.token_weights is None for row in rows):
        return None
    weights_B_T = torch.ones(len(rows), num_targets, dtype=dtype, device=device)
    for index, row in enumerate(rows):
        if row.token_weights is not None:
            weights_B_T[index, : len(row.completion_ids)] = row.token_weights
    return weights_B_T


def _pad(values: list[Any], filler: Any, length: int) -> list[Any]:
    return values + [filler] * (length - len(values))


def _stack(
    rows: Sequence[Tensor | None], num_targets: int, device: torch.device | str, dtype: torch.dtype
) -> Tensor | None:
    if any(row is None for row in rows):
        return None
    padded = torch.zeros(len(rows), num_targets, dtype=dtype, device=device)
    for index, row in enumerate(rows):
        padded[index, : row.shape[0]] = row
    return padded
