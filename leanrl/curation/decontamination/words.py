"""The words of a problem as n-grams are made of them."""

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Return the runs of letters and digits of a text, in lower case: `$x^2 + 1$` has the words x, 2 and 1."""
    return _WORD.findall(text.lower())


def ngrams(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """Return all runs of `size` neighbouring words, in order."""
    return zip(*(words[start:] for start in range(size)), strict=False)
