"""Numbers in words, and words that belong to a number: two hundred, 2 dozen, 3 halves, 5 squared, negative 5."""

import re
from decimal import Decimal, localcontext

from leanrl.grading.tables.numerals import CARDINALS, FORMS, MINUS, MULTIPLES, PARTS

_VALUES = CARDINALS | MULTIPLES
_ALL = sorted([*MULTIPLES, *PARTS, *FORMS], key=len, reverse=True)
_WORD = f"(?:{'|'.join(word.replace(' ', r'[ ]') for word in _ALL)})(?![A-Za-z])(?![克米瓦卡])"
_NUMERAL = re.compile(
    r"(?<![\w.,\\{^])(?P<number>\d{1,20}(?:,\d{3}){0,6}(?:\.\d{1,20})?)\s*+"
    rf"(?:\\text\s*+\{{\s*+(?P<set>{_WORD})(?P<rest>[^{{}}]*+)\}}|(?P<bare>{_WORD}))",
    re.IGNORECASE,
)
_MAX_WORDS = 3  # five hundred thousand million
_ONE = rf"(?:{'|'.join(filter(str.isascii, _VALUES))})(?![A-Za-z])"
_PART = rf"(?:{'|'.join(PARTS)})(?![A-Za-z])"
_SPELLED = re.compile(
    rf"(?P<before>^-?|[=,])\s*+(?P<text>\\text\s*+\{{)?+\s*+(?:an?(?=\s(?:{_ONE}|{_PART}))"
    rf"|(?P<words>{_ONE}(?:(?:\s|-|(?<=red|and|ion)\sand\s){_ONE}){{0,11}}+))(?:-(?={_PART})|(?!-))",
    re.IGNORECASE,
)
_MINUS = re.compile(
    rf"^(?:\\text\s*+\{{\s*+(?:{MINUS})\s*+\}}|(?P<text>\\text\s*+\{{)?+\s*+(?:{MINUS})\s)\s*+(?=[\d\\]|{_ONE})",
    re.IGNORECASE,
)


def read_numerals(text: str) -> str:
    """Return the text with numbers in words, where a value may begin, and the words behind numbers as digits; exact."""
    text = _SPELLED.sub(_in_digits, _MINUS.sub(lambda match: "-" + (match["text"] or ""), text))
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


def _in_digits(match: re.Match[str]) -> str:
    value = _value_of(match["words"] or "one")
    return match.group() if value is None else f"{match['before']}{value} {match['text'] or ''}"


def _value_of(words: str) -> int | None:
    """Return the number that words name, None if they name several: twenty five, not five twenty."""
    parts: list[int] = []
    for word in re.sub("-| and ", " ", words.casefold()).split():
        number = _VALUES[word]
        if word in MULTIPLES:
            smaller = [part for part in parts if part < number]
            del parts[len(parts) - len(smaller) :]
            number *= sum(smaller) or 1
        if parts and number >= 10 ** (len(str(parts[-1])) - len(str(parts[-1]).rstrip("0"))):
            return None
        parts.append(number)
    return sum(parts)


def _multiple(number: str, factor: int) -> str:
    """Return a decimal times an integer, in digits."""
    with localcontext() as context:
        context.prec = 60
        product = Decimal(number) * factor
        return format(
            product.normalize() if product != product.to_integral_value() else product.quantize(Decimal(1)), "f"
        )
