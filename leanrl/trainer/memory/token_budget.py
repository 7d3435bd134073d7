"""TokenBudget: how many tokens a micro-batch may hold and how many layers keep their activations in its passes.

Both get less for the rest of the run once memory ran out: first the layers, which cost time alone, then the tokens.

What ran out is `torch.OutOfMemoryError`, which a GPU's allocator raises; a CPU's system ends the process instead.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from leanrl.config.schema import TrainConfig
from leanrl.engine.cut import cut_step
from leanrl.engine.rows import PADDED, Layout, StepRow
from leanrl.storage.run_folder import read_json, write_json

_FILE = "token_budget.json"
T = TypeVar("T")


@dataclass(frozen=True)
class Shortage:
    """A micro-batch in which memory ran out; `num_tokens` counts its padding."""

    num_rows: int
    num_tokens: int

    def __str__(self) -> str:
        what = "1 completion" if self.num_rows == 1 else f"{self.num_rows} completions"
        return f"{what} of {self.num_tokens} tokens, padding counted"


class MicroBatchTooLargeError(Exception):
    """Memory ran out in a micro-batch."""

    def __init__(self, shortage: Shortage) -> None:
        self.shortage = shortage
        super().__init__(str(shortage))


class TokenBudget:
    """Cuts steps into micro-batches and keeps layers as `train` says until one does not fit, then less of either.

    Args:
        train: what the run started with.
        gather: returns the items of all ranks, in their order; without other ranks, those it is given.
        give_up: returns what to raise where no smaller micro-batch is possible; on all ranks alike.
        leave: returns what to raise where other ranks wait in an exchange that this one cannot join any more. They
            are ended by whoever started them all, who misses this one.
        keep: lets the model keep the activations of so many of its last layers.
        fills_first: see `engine.cut.cut_by_tokens`.
    """

    def __init__(
        self,
        train: TrainConfig,
        *,
        gather: Callable[[list[Any]], list[Any]],
        give_up: Callable[[Shortage], Exception],
        leave: Callable[[Shortage], Exception],
        keep: Callable[[int], object] = lambda _: None,
        fills_first: bool = False,
    ) -> None:
        self.train = train
        self.layout: Layout = PADDED  # `trainer.proofs.packing` changes it, once it has proved that it may
        self.num_shortages = 0
        self.kept_layers = train.kept_layers if train.gradient_checkpointing else 0
        self.is_exhausted = False  # whether nothing was left to make smaller
        self._keep = keep
        self._gather = gather
        self._give_up = give_up
        self._leave = leave
        self._fills_first = fills_first

    @property
    def max_tokens(self) -> int | None:
        """Tokens of a micro-batch, padding counted; None where completions are counted."""
        return self.train.max_tokens_per_micro_batch

    def cut(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the row numbers of each micro-batch."""
        return cut_step(lengths, self.train, self.layout, fills_first=self._fills_first)

    def redo(self, attempt: Callable[[], T], *, undo: Callable[[], object], is_training: bool) -> T:
        """Return what `attempt` returns; where memory runs out on any rank, all undo it, take less and redo it.

        Half of the kept layers are given back first, where the attempt keeps activations, on all ranks alike.

        Args:
            attempt: cuts its rows by `cut` and runs each micro-batch within `running`, without meeting other ranks.
            undo: takes back what an attempt has left.
            is_training: whether it computes gradients, so that layers keep activations.

        Raises:
            Exception: that of `give_up`.
        """
        while True:
            result, shortage = _try(attempt)
            shortages = [found for found in self._gather([shortage]) if found is not None]
            if not shortages:
                return result
            # Only here, behind the except block, are the activations free that the error's frames held.
            undo()
            _free_memory()
            self.num_shortages += 1
            worst = min(shortages, key=lambda found: (found.num_rows > 1, found.num_tokens))
            if not self._take_less(worst, is_training=is_training):
                raise self._give_up(worst)

    def once(self, attempt: Callable[[], T], *, is_training: bool) -> T:
        """Return what `attempt` returns, in which ranks meet; where memory runs out, this one takes less and ends.

        Raises:
            Exception: that of `leave`.
        """
        result, shortage = _try(attempt)
        if shortage is None:
            return result
        self.num_shortages += 1
        self._take_less(shortage, is_training=is_training)
        raise self._leave(shortage)

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
            raise MicroBatchTooLargeError(Shortage(len(rows), num_tokens)) from error

    def save(self, folder: Path) -> None:
        """Keep a budget that became smaller in a checkpoint, or in the folder of a run that has to end."""
        if self.num_shortages or self.gave_layers_back:
            limits = {"max_tokens": self.max_tokens, "kept_layers": self.kept_layers}
            write_json(folder / _FILE, {**limits, "num_shortages": self.num_shortages})

    def load(self, folder: Path) -> None:
        """Go on with the budget that `save` left there, where it left one, if none smaller is known already."""
        if (folder / _FILE).is_file():
            saved = read_json(folder / _FILE)
            self.num_shortages = max(self.num_shortages, saved["num_shortages"])
            known = [limit for limit in (self.max_tokens, saved["max_tokens"]) if limit is not None]
            self._limit(min(known, default=None))
            self._keep_only(min(self.kept_layers, saved.get("kept_layers", self.kept_layers)))

    @property
    def gave_layers_back(self) -> bool:
        """Whether fewer layers keep their activations than when the run started."""
        return bool(self.train.gradient_checkpointing) and self.kept_layers < self.train.kept_layers

    @property
    def limits(self) -> str:
        """What micro-batches hold at most, and how many layers keep their activations, in words."""
        layers = f"{self.kept_layers} layers that keep their activations" if self.gave_layers_back else None
        tokens = None if self.max_tokens is None else f"micro-batches of at most {self.max_tokens} tokens"
        return " and ".join(filter(None, (tokens, layers)))

    def _take_less(self, shortage: Shortage, *, is_training: bool) -> bool:
        """Give half of the kept layers back or, without any, halve the budget; return whether either was possible."""
        if is_training and self.give_layers_back():
            return True
        if shortage.num_rows > 1:
            self._halve(shortage)
        else:
            self.is_exhausted = True
        return not self.is_exhausted

    def give_layers_back(self) -> bool:
        """Let half of the kept layers run again in the backward pass; return whether there were any."""
        had_any = self.kept_layers > 0
        self._keep_only(self.kept_layers // 2)
        return had_any

    def _keep_only(self, count: int) -> None:
        if count != self.kept_layers:
            self.kept_layers = count
            self._keep(count)

    def _halve(self, shortage: Shortage) -> None:
        self._limit(min(self.max_tokens or shortage.num_tokens, shortage.num_tokens) // 2)

    def _limit(self, max_tokens: int | None) -> None:
        self.train = self.train.model_copy(update={"max_tokens_per_micro_batch": max_tokens})


def _try(attempt: Callable[[], T]) -> tuple[T | None, Shortage | None]:
    try:
        return attempt(), None
    except MicroBatchTooLargeError as error:
        return None, error.shortage


def _free_memory() -> None:
    gc.collect()  # an error and the frames that it was raised through can hold each other
    if torch.cuda.is_available():
        torch.cuda.empty_cache()  # smaller tensors find no room in blocks that are split to fit larger ones
