"""Words that belong to a number: 5 hundred, 2 dozen, 3 halves, 5 squared, 5 degrees below zero."""

import re
from decimal import Decimal, localcontext

# What one of the word is worth.
_MULTIPLES = {
    "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15,
    "hundreds": 100, "thousands": 10**3, "millions": 10**6, "billions": 10**9, "trillions": 10**12,
    "dozen": 12, "dozens": 12, "lakh": 10**5, "lakhs": 10**5,
    "crore": 10**7, "crores": 10**7, "mln": 10**6,
    "bn": 10**9, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8, "千": 1000,
    "百": 100, "十": 10, "만": 10**4, "억": 10**8,
}  # fmt: skip
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4, "fifth": 5,
    "fifths": 5, "sixth": 6, "sixths": 6, "seventh": 7, "sevenths": 7, "eighth": 8, "eighths": 8,
    "ninth": 9, "ninths": 9,
    "tenth": 10, "tenths": 10, "twelfth": 12, "twelfths": 12, "sixteenth": 16, "sixteenths": 16, "hundredth": 100,
    "hundredths": 100, "thousandth": 1000, "thousandths": 1000,
}  # fmt: skip
_FORMS: dict[str, str] = {
    "squared": "{}^{{2}}",
    "cubed": "{}^{{3}}",
    "factorial": "{}!",
    "below zero": "-{}",
    "degrees below zero": r"-{}\unit{{°}}",
    "and a half": r"{}\frac{{1}}{{2}}",
    "and one half": r"{}\frac{{1}}{{2}}",
    "and a quarter": r"{}\frac{{1}}{{4}}",
    "and three quarters": r"{}\frac{{3}}{{4}}",
}
_ALL = sorted([*_MULTIPLES, *_PARTS, *_FORMS], key=len, reverse=True)
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
    if word in _FORMS:
        return match.group() if rest.strip() else _FORMS[word].format(number)
    value = rf"\frac{{{number}}}{{{_PARTS[word]}}}" if word in _PARTS else _multiple(number, _MULTIPLES[word])
    return rf"{value} \text{{{rest}}}" if rest.strip() else value + " "


def _multiple(number: str, factor: int) -> str:
    """Return a decimal times an integer, in digits."""
    with localcontext() as context:
        context.prec = 60
        product = Decimal(number) * factor
        return format(
            product.normalize() if product != product.to_integral_value() else product.quantize(Decimal(1)), "f"
        )
