"""Sides of equals signs and their like, and the terms of a ratio."""

import re

from leanrl.grading.answers.nodes import Answer, Chain, Ratio, Read
from leanrl.grading.text.brackets import split_outside

RELATION = re.compile(r"[<>]|\\(?:le|ge|neq|forall|exists|pmod|bmod|mid)(?![A-Za-z])")
_SIGN = re.compile(r"(?<![<>!:\\])=|\\(?:approx|in|equiv)(?![A-Za-z])")
_COLON = re.compile(":")


def read_chain(latex: str, read: Read) -> Answer | None:
    sides = [side.strip() for side in split_outside(latex, _SIGN)]
    if len(sides) < 2 or not all(sides) or any(len(split_outside(side, RELATION)) > 1 for side in sides):
        return None
    signs = tuple(sign.strip() for sign in _signs_outside(latex))
    return Chain(latex, tuple(read(side) for side in sides), signs)


def read_ratio(latex: str, read: Read) -> Answer | None:
    terms = [term.strip() for term in split_outside(latex, _COLON)]
    if len(terms) < 2 or not all(terms):
        return None
    return Ratio(latex, tuple(read(term) for term in terms))


def _signs_outside(latex: str) -> list[str]:
    """Return the signs that `split_outside` splits at, in order."""
    pieces = split_outside(latex, _SIGN)
    signs, position = [], 0
    for piece in pieces[:-1]:
        sign = _SIGN.match(latex, position + len(piece))
        assert sign is not None
        signs.append(sign.group())
        position = sign.end()
    return signs
