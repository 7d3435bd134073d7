"""Where the tiles of a loop begin and end."""


def of_tiles(count: int, *, size: int) -> list[slice]:
    """Return slices of `size` that cover `count`; the last may be shorter."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]
