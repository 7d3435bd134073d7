r"""Quantities in several units: 2 hours and 30 minutes, 5 ft 3 in, 3 kg 200 g, 5°30'. Each becomes one value.

Its unit names them all, \unit{hours+minutes}, and the value counts the first.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from leanrl.grading.tables.units import PART, PRIMES
from leanrl.grading.text.brackets import replace_spans
from leanrl.grading.text.numbers import read_number
from leanrl.grading.units.quantities import conversion
from leanrl.grading.units.reading import COMPOUND

_PART = re.compile(PART)
_BETWEEN = re.compile(r"(?:\s|[},]|\\text\s?\{|and(?![A-Za-z])){0,8}")
_SPELLING = re.compile(r"\\unit|[{}.]")  # what is no part of a unit's name
_OPENING, _CLOSING = re.compile(r"\\text\s?\{\s?$"), re.compile(r"\s?\}")
_OPENING_CHARS = 8
_BRACKET = re.compile(r"[(\[]|\\\{")


class _Part(NamedTuple):
    """A value and its unit, and where they stand in the text."""

    value: Fraction
    unit: str
    start: int
    end: int


def join_compounds(text: str) -> str:
    """Return the text with each run of values in descending units of one dimension as one value.

    Each part is less than one of the unit before it, and only the last may be no whole number: 1 km 5000 m are two
    values. What a comma joins in a bracket is a point or a set.
    """
    places = [(run, *_with_braces(text, run[0].start, run[-1].end)) for run in _runs(text)]
    whole = [place for place in places if text.count("{", *place[1:]) == text.count("}", *place[1:])]
    return replace_spans(text, [(start, end, _spell(run)) for run, start, end in whole])


def _runs(text: str) -> list[list[_Part]]:
    """Return the longest runs of parts, of two at least, in which each continues the one before."""
    runs: list[list[_Part]] = [[]]
    for part in map(_read, _PART.finditer(text)):
        if runs[-1] and (following := _continuation(text, runs[-1], part)):
            runs[-1].append(following)
        else:
            runs.append([] if text[part.start - 1 : part.start].isalpha() else [_named(part, "")])
    return [run for run in runs if len(run) > 1]


def _read(match: re.Match[str]) -> _Part:
    number = read_number(match["number"])
    unit = "'" * match["primes"].count("prime") if match["primes"] else match["unit"].replace('"', "''")
    value = Fraction(-1) if number is None else number.value  # 2\frac{3}{2} is no number
    return _Part(value, _SPELLING.sub("", unit).strip().replace(" ", "_"), *match.span())


def _named(part: _Part, first_unit: str) -> _Part:
    """Return a part with the unit that its primes stand for: 5°30' is an angle, 5'3" a length."""
    names = PRIMES.get(part.unit)
    return part._replace(unit=names[first_unit == "°"]) if names else part


def _continuation(text: str, run: list[_Part], part: _Part) -> _Part | None:
    """Return a part that goes on in a smaller unit, with less than one of the unit before; None for any other."""
    between = text[run[-1].end : part.start]
    if not _BETWEEN.fullmatch(between) or ("," in between and _BRACKET.search(text, 0, run[0].start)):
        return None
    part = _named(part, run[0].unit)
    known, limit = conversion(part.unit, run[0].unit), conversion(run[-1].unit, run[0].unit)
    if known is None or limit is None or known.pi or known.offset or not 0 < known.scale < limit.scale:
        return None
    is_less = 0 <= part.value * known.scale < limit.scale
    return part if is_less and run[-1].value >= 0 and run[-1].value.denominator == 1 else None


def _spell(run: list[_Part]) -> str:
    r"""Return 2 hours and 30 minutes as \frac{5}{2}\unit{hours+minutes}; a part of zero has no say in the units."""
    parts = [part for part in run if part.value] or run[:1]
    scales = [known.scale for part in parts if (known := conversion(part.unit, parts[0].unit)) is not None]
    value = sum((part.value * scale for part, scale in zip(parts, scales, strict=True)), Fraction(0))
    number = str(value.numerator) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    return rf"{number}\unit{{{COMPOUND.join(part.unit for part in parts)}}} "


def _with_braces(text: str, start: int, end: int) -> tuple[int, int]:
    r"""Return the place of a run with the \text{...} that it fills, or that its ends stand in."""
    opening = _OPENING.search(text, max(0, start - _OPENING_CHARS), start)
    closing = _CLOSING.match(text, end)
    num_open = text.count("{", start, end) - text.count("}", start, end)
    if opening and (num_open < 0 or (closing and num_open == 0)):
        start, num_open = opening.start(), num_open + 1
    return start, closing.end() if closing and num_open > 0 else end
