"""Three tiles in place of many: a tile leaves the bytes that the one before it left."""

from collections.abc import Iterator
from contextlib import contextmanager

from leanrl.algorithms import slices


@contextmanager
def few_tiles() -> Iterator[None]:
    """Let loops over tiles run the first two and the last; their peaks are those of all tiles.

    Whatever a tile keeps is written into tensors that exist before the loop. So every tile behind the second finds what
    the second has found, the first tile's leftovers, and only the last may be of another size. Numbers are wrong after
    that: for fake tensors only.
    """
    every = slices.of_tiles

    def some(count: int, *, size: int) -> list[slice]:
        found = every(count, size=size)
        return found if len(found) <= 3 else [*found[:2], found[-1]]

    slices.of_tiles = some
    try:
        yield
    finally:
        slices.of_tiles = every
