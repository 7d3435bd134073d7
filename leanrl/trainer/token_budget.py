"""TokenBudget: how many tokens a micro-batch may hold, less for the rest of the run once memory ran out.

What ran out is `torch.OutOfMemoryError`, which a GPU's allocator raises; a CPU's system ends the process instead.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch

from leanrl.config.schema import TrainConfig
from leanrl.engine.cut import cut_step
from leanrl.engine.rows import PADDED, Layout, StepRow
from leanrl.run_folder import read_json, write_json

_FILE = "token_budget.json"
T = TypeVar("T")


class MicroBatchTooLargeError(Exception):
    """Memory ran out in a micro-batch; `num_tokens` counts its padding."""

    def __init__(self, num_rows: int, num_tokens: int) -> None:
        self.num_rows = num_rows
        self.num_tokens = num_tokens
        what = "1 completion" if self.num_rows == 1 else f"{self.num_rows} completions"
        super().__init__(f"{what} of {self.num_tokens} tokens, padding counted")


class TokenBudget:
    """Cuts steps into micro-batches as `train` says until one does not fit, then into smaller ones.

    Args:
        train: what the run started with.
        num_ranks: with more than one nothing is tried again. The others are inside an exchange that this rank
            would never join; ended at once, it is missed by whoever started it, who ends them all.
        give_up: returns what to raise where no smaller micro-batch is possible, told of the one that failed.
    """

    def __init__(self, train: TrainConfig, *, num_ranks: int, give_up: Callable[[str], Exception]) -> None:
        self.train = train
        self.layout: Layout = PADDED  # `trainer.packing` changes it, once it has proved that it may
        self.num_ranks = num_ranks
        self.give_up = give_up
        self.num_shortages = 0

    @property
    def max_tokens(self) -> int | None:
        """Tokens of a micro-batch, padding counted; None where completions are counted."""
        return self.train.max_tokens_per_micro_batch

    def cut(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the row numbers of each micro-batch."""
        return cut_step(lengths, self.train, self.layout)

    def redo(self, attempt: Callable[[], T], *, undo: Callable[[], object]) -> T:
        """Return what `attempt` returns; where memory runs out, undo it, halve the budget and start it anew.

        Args:
            attempt: cuts its rows by `cut` and runs each micro-batch within `running`.
            undo: takes back what an attempt that failed has left.

        Raises:
            Exception: that of `give_up`.
        """
        while True:
            try:
                return attempt()
            except MicroBatchTooLargeError as error:
                num_rows, num_tokens, text = error.num_rows, error.num_tokens, str(error)
            # Only behind the block are the activations free that the error's frames held.
            undo()
            _free_memory()
            self.num_shortages += 1
            if num_rows == 1 or self.num_ranks > 1:
                raise self.give_up(text)
            self._limit(num_tokens // 2 if self.max_tokens is None else min(self.max_tokens, num_tokens) // 2)

    @contextmanager
    def running(self, rows: Sequence[StepRow]) -> Iterator[None]:
        """Name the micro-batch of `rows` in which memory runs out.

        Raises:
            MicroBatchTooLargeError: in place of torch's error.
        """
        try:
            yield
        except torch.OutOfMemoryError as error:
            num_tokens = self.layout.num_tokens([row.num_tokens for row in rows])
            raise MicroBatchTooLargeError(len(rows), num_tokens) from error

    def save(self, checkpoint: Path) -> None:
        """Keep a budget that became smaller with the checkpoint."""
        if self.num_shortages:
            write_json(checkpoint / _FILE, {"max_tokens": self.max_tokens, "num_shortages": self.num_shortages})

    def load(self, checkpoint: Path) -> None:
        """Go on with the budget of the run that wrote the checkpoint."""
        if (checkpoint / _FILE).is_file():
            saved = read_json(checkpoint / _FILE)
            self.num_shortages = saved["num_shortages"]
            self._limit(saved["max_tokens"])

    def _limit(self, max_tokens: int | None) -> None:
        self.train = self.train.model_copy(update={"max_tokens_per_micro_batch": max_tokens})


def _free_memory() -> None:
    gc.collect()  # an error and the frames that it was raised through can hold each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # smaller tensors find no room in blocks that are split to fit larger ones
