"""The cut of a step: which of its rows form which micro-batch, and which need none.

All of it is decided on Python integers, before a tensor exists.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence

from leanrl.config.schema import TrainConfig
from leanrl.engine.rows import PADDED, Layout, StepRow


def cut_step(
    lengths: Sequence[int], train: TrainConfig, layout: Layout = PADDED, *, fills_first: bool = False
) -> list[list[int]]:
    """Return the row numbers of each micro-batch, as the keys of `train` want them.

    Args:
        lengths: tokens of each row, prompt and completion.
        train: `sort_by_length`, `max_tokens_per_micro_batch` and `micro_batch_completions` count.
        layout: counts the tokens of a micro-batch.
        fills_first: see `cut_by_tokens`.
    """
    order = longest_first(lengths) if train.sort_by_length else list(range(len(lengths)))
    if train.max_tokens_per_micro_batch is None:
        return cut_by_count(order, max_rows=train.micro_batch_completions)
    return cut_by_tokens(
        order,
        lengths,
        max_tokens=train.max_tokens_per_micro_batch,
        num_tokens=layout.num_tokens,
        fills_first=fills_first,
    )


def longest_first(lengths: Sequence[int]) -> list[int]:
    """Return the row numbers by falling length: neighbours need little padding, and the peak comes at the start."""
    return sorted(range(len(lengths)), key=lambda number: -lengths[number])


def cut_by_count(order: Sequence[int], *, max_rows: int) -> list[list[int]]:
    """Return the rows in micro-batches of `max_rows`; the last may be smaller."""
    return [list(order[start : start + max_rows]) for start in range(0, len(order), max_rows)]


def cut_by_tokens(
    order: Sequence[int],
    lengths: Sequence[int],
    *,
    max_tokens: int,
    num_tokens: Callable[[Sequence[int]], int],
    fills_first: bool = False,
) -> list[list[int]]:
    """Return the rows in as few micro-batches of at most `max_tokens` as their order allows, and those as even.

    The largest takes as few tokens, as `num_tokens` counts, as any cut into that many could. A row longer than
    `max_tokens` stands alone.

    Args:
        fills_first: only the others are even, and the first takes all that fit: where all parameters are trained,
            their gradients lie beside every micro-batch but the first.
    """

    def cut(rows: Sequence[int], limit: int) -> list[list[int]]:
        return _fill(rows, lambda together: num_tokens([lengths[number] for number in together]) <= limit)

    filled = cut(order, max_tokens)
    first = filled[:1] if fills_first else []
    rest = order[sum(len(rows) for rows in first) :]
    fewest = len(filled) - len(first)
    limit = 1 + bisect_left(range(1, max_tokens), True, key=lambda limit: len(cut(rest, limit)) <= fewest)
    return [*first, *cut(rest, limit)]


def _fill(order: Sequence[int], fits: Callable[[Sequence[int]], bool]) -> list[list[int]]:
    cut: list[list[int]] = []
    for number in order:
        if cut and fits([*cut[-1], number]):
            cut[-1].append(number)
        else:
            cut.append([number])
    return cut


def rows_that_teach(rows: Sequence[StepRow]) -> list[StepRow]:
    """Return the rows whose policy loss has a gradient: an advantage that is not 0, and a weight.

    What is left out still counts: the weights of the others were made from all lengths (see
    `algorithms.aggregation`). Only without a KL and an entropy bonus, which pull at every row.
    """
    return [row for row in rows if row.weight != 0.0 and row.has_advantage]


def fill_up(micro_batches: Sequence[list[StepRow]], *, count: int, pad_id: int) -> list[list[StepRow]]:
    """Return `count` micro-batches: those given and, before them, passes of one token that teach nothing.

    Ranks that shard a model meet in every forward and backward pass, so all of them need equally many.
    """
    idle = StepRow(prompt_ids=[pad_id], completion_ids=[])
    return [[idle] for _ in range(count - len(micro_batches))] + list(micro_batches)
