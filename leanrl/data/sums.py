"""One-digit sums: a hundred problems that leanrl makes itself, so that a first run needs no dataset."""

import random
from dataclasses import dataclass
from itertools import combinations_with_replacement

DIGITS = range(10)
NUM_PAIRS = 55  # unordered pairs of ten digits: 10 * 11 / 2


@dataclass(frozen=True)
class Sum:
    """Two digits to add, in the order in which they are asked."""

    left: int
    right: int

    @property
    def problem(self) -> str:
        return f"{self.left} + {self.right}"

    @property
    def gold(self) -> str:
        return str(self.left + self.right)


def one_digit_sums(*, num_heldout_pairs: int, seed: int) -> tuple[list[Sum], list[Sum]]:
    """Return the sums to train on and the sums held out, each in an order fixed by `seed`.

    Whoever has learnt 3 + 4 knows 4 + 3. So the two are one problem: a pair is held out in both orders, and
    both are asked.

    Raises:
        ValueError: unless 0 <= num_heldout_pairs < 55, which leaves something to train on.
    """
    if not 0 <= num_heldout_pairs < NUM_PAIRS:
        raise ValueError(
            f"num_heldout_pairs is {num_heldout_pairs}; there are {NUM_PAIRS} pairs, and one must be left."
        )
    pairs = list(combinations_with_replacement(DIGITS, 2))
    draw = random.Random(seed)
    draw.shuffle(pairs)
    heldout = _both_orders(pairs[:num_heldout_pairs])
    train = _both_orders(pairs[num_heldout_pairs:])
    draw.shuffle(train)
    return train, heldout


def _both_orders(pairs: list[tuple[int, int]]) -> list[Sum]:
    orders = ({(a, b): None, (b, a): None} for a, b in pairs)  # a double such as 4 + 4 has one order
    return [Sum(left, right) for order in orders for left, right in order]
