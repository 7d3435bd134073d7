"""A multiple-choice problem as one text: its options below it, a letter each."""

import string
from collections.abc import Sequence

LETTERS = string.ascii_uppercase


def with_options(problem: str, options: Sequence[str]) -> str:
    """Return a problem with its options, of which there are no more than letters."""
    lines = [f"{letter}) {option.strip()}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([problem.strip(), "", *lines])
