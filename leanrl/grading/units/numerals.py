"""Words that belong to a number: 5 hundred, 2 dozen, 3 halves, 5 squared, 5 degrees below zero."""

import re
from decimal import Decimal, localcontext

from leanrl.grading.tables.numerals import FORMS, MULTIPLES, PARTS

_ALL = sorted([*MULTIPLES, *PARTS, *FORMS], key=len, reverse=True)
_WORD = f"(?:{'|'.join(word.replace(' ', r'[ ]') for word in _ALL)})(?![A-Za-z])(?![克米瓦卡])"
_NUMERAL = re.compile(
    r"(?<![\w.,\\{^])(?P<number>\d{1,20}(?:,\d{3}){0,6}(?:\.\d{1,20})?)\s*+"
    rf"(?:\\text\s*+\{{\s*+(?P<set>{_WORD})(?P<rest>[^{{}}]*+)\}}|(?P<bare>{_WORD}))",
    re.IGNORECASE,
)
_MAX_WORDS = 3  # five hundred thousand million


def read_numerals(text: str) -> str:
    """Return the text with the words behind its numbers made part of them; exact."""
    for _ in range(_MAX_WORDS):
        text, num_replaced = _NUMERAL.subn(_replace, text)
        if not num_replaced:
            break
    return text


def _replace(match: re.Match[str]) -> str:
    number, word = match["number"].replace(",", ""), (match["set"] or match["bare"]).casefold()
    rest = match["rest"] or ""
    if word in FORMS:
        return match.group() if rest.strip() else FORMS[word].format(number)
    value = rf"\frac{{{number}}}{{{PARTS[word]}}}" if word in PARTS else _multiple(number, MULTIPLES[word])
    return rf"{value} \text{{{rest}}}" if rest.strip() else value + " "


def _multiple(number: str, factor: int) -> str:
    """Return a decimal times an integer, in digits."""
    with localcontext() as context:
        context.prec = 60
        product = Decimal(number) * factor
        return format(
            product.normalize() if product != product.to_integral_value() else product.quantize(Decimal(1)), "f"
        )
