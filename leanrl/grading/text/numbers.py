"""Plain numbers: how they are read without a parser, when two of them are one, and how digits stand in groups.

Groups are 1,234,567 and, as in India, 12,34,567; 1 234, 1'234, 1_000 and 1.234,56.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from leanrl.grading.tables import numerals as table
from leanrl.grading.text.characters import squeeze

# A decimal counts as a value that it rounds at this many places (0.333333 is 1/3, 0.333 is not), unless that would
# leave it no digits: two tiny numbers must agree in four.
_PLACES = 6
_RELATIVE = Fraction(1, 10_000)

_NUMBER, _DECIMAL_COMMA, _WHOLE_AND_PART = map(re.compile, (table.NUMBER, table.DECIMAL_COMMA, table.WHOLE_AND_PART))
_WITH_COMMAS, _ONLY_COMMAS = re.compile(table.WITH_COMMAS), re.compile(table.ONLY_COMMAS)
_SERIES = re.compile(table.SERIES)
_MAX_WRITTEN_OUT = 40
_COUNTS = re.compile(table.COUNTS)
_GROUPED = tuple(map(re.compile, table.GROUPED))


@dataclass(frozen=True)
class PlainNumber:
    """An exact value, and whether it was written as a decimal, which may stand for a value that it rounds."""

    value: Fraction
    is_decimal: bool


def read_number(latex: str) -> PlainNumber | None:
    r"""Return the number that a normalised text is: 5, -0.25, 3/4, \frac{3}{4}, 1 3/4; None if it is none."""
    number = _NUMBER.fullmatch(latex.replace(",", "") if is_grouped(latex) else squeeze(latex))
    if number is None or number.end() == number.end("sign"):
        return None
    sign = -1 if number["sign"] else 1
    if number["decimal"]:
        return PlainNumber(sign * Fraction(number["decimal"]), is_decimal=True)
    over, under = _part(number)
    if under == 0 or (number["whole"] and not 0 <= over < under):
        return None  # 2\frac{3}{2} is no mixed number
    return PlainNumber(sign * (int(number["whole"] or 0) + Fraction(over, under)), is_decimal=False)


def spell_as_number(latex: str) -> str | None:
    r"""Return the number that two parts may be: 3,14 is 3.14 or a list, 2 \text{and} 1/4 is 2\frac{1}{4} or a list."""
    if comma := _DECIMAL_COMMA.fullmatch(latex):
        return f"{comma['whole']}.{comma['decimals']}{comma['unit']}"
    mixed = _WHOLE_AND_PART.fullmatch(latex)
    over, under = _part(mixed) if mixed else (0, 0)
    return rf"{mixed['whole']}\frac{{{over}}}{{{under}}}" if mixed and 0 <= over < under else None


def _part(number: re.Match[str]) -> tuple[int, int]:
    """Return the fraction in a number, or behind a whole one; 0/1 if there is none."""
    return int(number["over"] or number["slash_over"] or 0), int(number["under"] or number["slash_under"] or 1)


def are_same_number(gold: PlainNumber, answer: PlainNumber) -> bool:
    """Return whether two numbers are equal, or equal as far as a decimal goes."""
    if gold.value == answer.value:
        return True
    if not (gold.is_decimal or answer.is_decimal):
        return False
    difference = abs(gold.value - answer.value)
    largest = max(abs(gold.value), abs(answer.value))
    return difference <= Fraction(1, 2 * 10**_PLACES) and difference <= largest * _RELATIVE


def join_groups(text: str) -> str:
    """Return the text with digits in groups that no comma divides as plain numbers."""
    for pattern in _GROUPED:
        text = pattern.sub(_join, text)
    return text


def join_at_commas(text: str) -> str:
    """Return the text with digits in groups that commas divide as plain numbers."""
    return _WITH_COMMAS.sub(lambda number: number.group().replace(",", ""), text)


def write_out(text: str) -> str:
    r"""Return the text with the members that an ellipsis leaves out: 1, 3, \ldots, 9 has five."""
    return _SERIES.sub(_members, text)


def is_grouped(text: str) -> bool:
    """Return whether a text is one number with commas between its groups, which is also a way to write a list."""
    return _ONLY_COMMAS.fullmatch(text) is not None


def is_count(text: str) -> bool:
    """Return whether a text is C(5, 2) or P(5, 2), which may name a point as well."""
    return _COUNTS.fullmatch(text) is not None


def with_counts(text: str) -> str:
    """Return the text with C(5, 2) and P(5, 2) as the numbers of combinations and permutations that they name."""
    return _COUNTS.sub(_count, text)


def _count(named: re.Match[str]) -> str:
    total, chosen = int(named["total"]), int(named["chosen"])
    if chosen > total:
        return named.group()
    return rf"\binom{{{total}}}{{{chosen}}}" if named["kind"] == "C" else rf"\frac{{{total}!}}{{({total}-{chosen})!}}"


def _join(number: re.Match[str]) -> str:
    whole, comma, decimals = number.group().partition(",")
    return re.sub(r"\D", "", whole) + (f".{decimals}" if comma else "")


def _members(series: re.Match[str]) -> str:
    given, last = [int(number) for number in series["given"].split(",")], int(series["last"])
    step = (given[1] - given[0] if len(given) > 1 else 1) or 1
    members = range(given[0], last + (1 if step > 0 else -1), step)
    fits = list(members[: len(given)]) == given and len(members) <= _MAX_WRITTEN_OUT and members[-1] == last
    return ", ".join(map(str, members)) if fits else series.group()
