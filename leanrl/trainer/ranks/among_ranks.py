"""Ranks: what this rank has beside what the others have."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """One of `count` training ranks; `gather` concatenates lists of all ranks in the order of the ranks."""

    index: int
    count: int
    gather: Callable[[list[Any]], list[Any]]

    def share(self, own: list[T]) -> tuple[list[T], slice]:
        """Return the values of all ranks, and where this rank's stand among them; ranks may have unequally many."""
        counts = self.gather([len(own)])
        first = sum(counts[: self.index])
        return self.gather(own), slice(first, first + len(own))

    def own_part(self, values: list[T]) -> list[T]:
        """Return this rank's part of what all ranks know: equally many each, whose number `count` divides."""
        size = len(values) // self.count
        return values[self.index * size : (self.index + 1) * size]

    def whole(self, num_prompts: int) -> int:
        """Return the next number of prompts that the ranks can share evenly."""
        return -(-num_prompts // self.count) * self.count
