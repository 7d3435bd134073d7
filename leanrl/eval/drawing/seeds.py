"""The seed of one completion: the same whatever else is drawn beside it, and in which order."""

import hashlib

from leanrl.eval.drawing.schedule import Draw

_BITS = 63  # what a signed 64-bit integer holds, which is the widest that every engine takes


def seed_of(draw: Draw, *, seed: int) -> int:
    """Return the seed of a completion from the protocol's seed, the benchmark, the problem and the sample's number."""
    text = "\0".join((str(seed), draw.benchmark, draw.id, str(draw.sample)))
    return int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:8], "big") >> (64 - _BITS)
