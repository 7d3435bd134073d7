r"""Repeating decimals as the fractions that they are: 0.1\overline{6}, 0.\dot{1}4285\dot{7}, 0.(3), 0.333\ldots"""

import re
from fractions import Fraction

_D = r"\d{1,30}"
_NUMBER = r"(?<![\d.,])(?P<whole>\d{0,30})\.(?P<fixed>\d{0,30})"
_NO_PRODUCT = r"(?![\d.(]|\s*+[A-Za-z\\^(])"  # 2.5(4)x goes on as a product

_SPLIT_LINE = re.compile(r"(?<=\d)\}\s?\\overline\s?\{(?=\d)")  # a line over each digit
_DOT = re.compile(r"\\overset\s?\{\s?(?:\.|\\cdot|\\bullet)\s?\}")
_LINE = re.compile(rf"{_NUMBER}\{{?\\(?:overline|bar|dot)\s?\{{(?P<repeated>{_D})\}}\}}?")
_DOTS = re.compile(rf"{_NUMBER}\s?\\dot\s?\{{(?P<first>\d)\}}\s?(?P<middle>\d{{0,30}})\s?\\dot\s?\{{(?P<last>\d)\}}")
_PARENTHESES = re.compile(rf"{_NUMBER}\((?P<repeated>{_D})\){_NO_PRODUCT}")
_ELLIPSIS = re.compile(rf"{_NUMBER}\s?\\ldots(?![A-Za-z])\s?(?![\d,])")
_SPOKEN = re.compile(rf"{_NUMBER}\s?(?:\\text\s?\{{\s?)?\(?(?:repeating|recurring)\)?\s?\}}?")


def as_fractions(text: str) -> str:
    r"""Return the text with repeating decimals as fractions.

    An ellipsis repeats the shortest block that the digits before it end in, if that stands there twice and the digits
    are three at least: 0.333\ldots is 1/3, 3.14159\ldots stays.
    """
    text = _SPLIT_LINE.sub("", _DOT.sub(r"\\dot", text))
    text = _DOTS.sub(lambda match: _fraction(match, match["first"] + match["middle"] + match["last"]), text)
    for notation in (_LINE, _PARENTHESES):
        text = notation.sub(lambda match: _fraction(match, match["repeated"]), text)
    text = _SPOKEN.sub(lambda match: _from_digits(match, min_digits=1), text)
    return _ELLIPSIS.sub(lambda match: _from_digits(match, min_digits=3), text)


def _from_digits(match: re.Match[str], *, min_digits: int) -> str:
    """Return the fraction that repeats the block in which the digits end, the text as it stands if there is none."""
    digits = match["fixed"]
    for length in range(1, len(digits) // 2 + 1):
        start = len(digits) - length
        while start > 0 and digits[start - 1] == digits[start + length - 1]:
            start -= 1
        if len(digits) - start >= max(min_digits, 2 * length):
            return _fraction(match, digits[start : start + length], fixed=digits[:start])
    return _fraction(match, digits, fixed="") if len(digits) == min_digits == 1 else match.group()


def _fraction(match: re.Match[str], repeated: str, *, fixed: str | None = None) -> str:
    """Return a decimal as a fraction in lowest terms: 0.1666... is (16 - 1) / 90."""
    whole, fixed = match["whole"] or "0", match["fixed"] if fixed is None else fixed
    denominator = (10 ** len(repeated) - 1) * 10 ** len(fixed)
    value = Fraction(int(whole + fixed + repeated) - int(whole + fixed), denominator)
    return str(value.numerator) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
