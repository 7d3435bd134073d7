"""What the rows of a pack change in each other: nothing, or it is no pack.

Attention is told where a row begins. A convolution, a state-space layer or linear attention is not: it hands its state
from one row to the next. How much that changes depends on the rows, and little can still be a gradient that is far off.
So the question is not how much, but whether: of other tokens in one row not one bit may reach another, nor may the
gradient of one row's scores reach another's input.

Axes: B rows, T completion tokens, S tokens of one sequence, H hidden.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from leanrl.engine.rows import StepRow

Score = Callable[[list[StepRow]], Tensor]


def found_in_values(score: Score, rows: Sequence[StepRow]) -> str | None:
    """Return where a row's scores move with the tokens of another row of its pack, or None.

    Args:
        score: returns logprobs_B_T of the rows of one pack.
        rows: two.
    """
    first, second = rows
    plain = score([first, second])
    if not torch.equal(plain[1], score([_with_other_tokens(first), second])[1]):
        return "a row's log-probabilities change with the tokens of the row before it"
    if not torch.equal(plain[0], score([first, _with_other_tokens(second)])[0]):
        return "a row's log-probabilities change with the tokens of the row behind it"
    return None


def found_in_gradients(gradients: Sequence[Tensor], lengths: Sequence[int]) -> str | None:
    """Return whether the gradient of one row's scores reaches another row's input, or None.

    Args:
        gradients: of each row's scores, at the embeddings of the whole pack, with axes S and H.
        lengths: tokens of each row.
    """
    for number, gradient_S_H in enumerate(gradients):
        parts = gradient_S_H.split(list(lengths))
        if any(part.count_nonzero() for other, part in enumerate(parts) if other != number):
            return "the gradient of a row's log-probabilities reaches the input of another row"
    return None


@contextmanager
def input_gradients(embeddings: nn.Module) -> Iterator[list[Tensor]]:
    """Let what the embeddings give out keep its gradient; the list holds one tensor for each forward pass."""
    seen: list[Tensor] = []

    def keep(_: nn.Module, __: object, output: Tensor) -> None:
        if output.requires_grad:
            output.retain_grad()
        else:
            output.requires_grad_()
        seen.append(output)

    hook = embeddings.register_forward_hook(keep)
    try:
        yield seen
    finally:
        hook.remove()


def _with_other_tokens(row: StepRow) -> StepRow:
    """Return a row as long, with another token in each place; each is one of the vocabulary."""
    prompt, completion = (
        [token - 1 if token > 0 else 1 for token in ids] for ids in (row.prompt_ids, row.completion_ids)
    )
    return replace(row, prompt_ids=prompt, completion_ids=completion)
