"""A reward that gives every completion a number of its own, so that each group has a gradient."""

import zlib

from leanrl.rewards.registry import reward
from leanrl.types import Sample


@reward("vary")
def vary(sample: Sample) -> float:
    """Return a number in [0, 1) that depends on nothing but the text."""
    return zlib.crc32(sample.text.encode()) % 1000 / 1000
