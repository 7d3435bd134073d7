"""PromptStream: the order in which a run offers its prompts, the same on every rank and after a resume."""

from collections.abc import Mapping
from typing import Any

import torch


class PromptStream:
    """Numbers of rows, epoch by epoch, each epoch in an order of its own.

    What is left of an epoch and too short for what is asked is passed over, so that no prompt comes twice in one take.
    With takes of one size the order is that of TRL's sampler (trl 1.16, trainer/utils.py, RepeatSampler).

    Args:
        num_rows: of the data.
        seed: of the orders.
        shuffles: whether an epoch has another order than the rows.
    """

    def __init__(self, num_rows: int, *, seed: int, shuffles: bool) -> None:
        self._num_rows = num_rows
        self._seed = seed
        self._shuffles = shuffles
        self._rewind(0, 0)

    @property
    def num_epochs(self) -> int:
        """Passes over the data that have begun."""
        return self._num_epochs

    def take(self, count: int) -> list[int]:
        """Return the next `count` row numbers, all different.

        Raises:
            ValueError: if there are not as many rows.
        """
        if count > self._num_rows:
            raise ValueError(f"{count} different prompts are asked for, and there are {self._num_rows}.")
        if self._position + count > len(self._order):
            self._begin_epoch()
        taken = self._order[self._position : self._position + count]
        self._position += count
        return taken

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the order, as plain numbers."""
        return {"num_epochs": self._num_epochs, "position": self._position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to a place in the order."""
        self._rewind(int(state["num_epochs"]), int(state["position"]))

    def _rewind(self, num_epochs: int, position: int) -> None:
        self._generator = torch.Generator().manual_seed(self._seed)
        self._num_epochs = 0
        self._order: list[int] = []
        for _ in range(num_epochs):
            self._begin_epoch()
        self._position = position

    def _begin_epoch(self) -> None:
        self._num_epochs += 1
        self._position = 0
        if self._shuffles:
            self._order = torch.randperm(self._num_rows, generator=self._generator).tolist()
        else:
            self._order = list(range(self._num_rows))
