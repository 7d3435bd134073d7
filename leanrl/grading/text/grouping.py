"""Digits in groups: 1,234,567 and, as in India, 12,34,567; 1 234, 1'234, 1_000 and 1.234,56."""

import re

_COMMAS = r"\d{1,3}(?:,\d{3})++|\d{1,2}(?:,\d{2}(?!\d))++,\d{3}"
_WITH_COMMAS = re.compile(rf"(?<![\d.,])(?:{_COMMAS})(?![\d,])")
_ONLY_COMMAS = re.compile(rf"-?(?:{_COMMAS})")
# What stands between these groups stands in no list. A comma behind points is that of a decimal.
_GROUPED = tuple(map(re.compile, (
    r"(?<![\d.,'_])\d{1,3}(?:(?:'\d{3})++|(?:\\?_\d{3})++)(?![\d'_])",
    r"(?<![\d.,])\d{1,3}(?:(?:\.\d{3})++,\d++|(?:\.\d{3}){2,}+)(?![\d.,])",
    r"(?<![\d.,])\d{1,3}(?: \d{3})++(?![\d,])",
)))  # fmt: skip


def join_groups(text: str) -> str:
    """Return the text with digits in groups that no comma divides as plain numbers."""
    for pattern in _GROUPED:
        text = pattern.sub(_join, text)
    return text


def join_at_commas(text: str) -> str:
    """Return the text with digits in groups that commas divide as plain numbers."""
    return _WITH_COMMAS.sub(lambda number: number.group().replace(",", ""), text)


def is_grouped(text: str) -> bool:
    """Return whether a text is one number with commas between its groups, which is also a way to write a list."""
    return _ONLY_COMMAS.fullmatch(text) is not None


def _join(number: re.Match[str]) -> str:
    whole, comma, decimals = number.group().partition(",")
    return re.sub(r"\D", "", whole) + (f".{decimals}" if comma else "")
