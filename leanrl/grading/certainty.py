"""Answers that can be judged without a parser."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"[-+]?(?:\d{1,400}(?:\.\d{0,400})?|\.\d{1,400})", re.ASCII)


def certain_equality(gold: str, answer: str) -> bool | None:
    """Return whether two normalised texts are equal if that is beyond doubt, else None.

    Two plain numbers are equal or not; the same text twice is equal. The rest is for a parser.
    """
    if _NUMBER.fullmatch(gold) and _NUMBER.fullmatch(answer):
        return Decimal(gold) == Decimal(answer)
    return True if gold == answer else None
