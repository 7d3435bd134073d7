"""Values in no order, each paired with one that equals it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def are_paired(golds: Sequence[T], answers: Sequence[T], are_same: Callable[[T, T], bool]) -> bool:
    """Return whether each gold value has an answer of its own that equals it."""
    return next(unpaired(golds, list(answers), are_same), None) is None


def unpaired(golds: Sequence[T], left: list[T], are_same: Callable[[T, T], bool]) -> Iterator[T]:
    """Yield the gold values that equal no answer; an answer that one equals is removed from `left`.

    Each gold value takes the first answer that equals it. The comparisons are made one by one, as values are asked for.
    """
    for gold in golds:
        place = next((place for place, answer in enumerate(left) if are_same(gold, answer)), None)
        if place is None:
            yield gold
        else:
            del left[place]
