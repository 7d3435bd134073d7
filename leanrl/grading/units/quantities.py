r"""The value and the unit of a text whose units are marked: 5\unit{cm}."""

import re

from leanrl.grading.tables.spellings import DEGREE
from leanrl.grading.tables.units import THOUSANDS_LETTERS
from leanrl.grading.text.brackets import is_one_bracket
from leanrl.grading.units.reading import COMPOUND, is_doubtful, read_unit
from leanrl.grading.units.unit import Conversion, convert

UNIT = re.compile(r"\\unit\{(?P<unit>[^{}]*)\}\s*+")
# A unit ends its value: what goes on behind it is another one, and without the unit their digits would join.
_WITHIN = re.compile(r"\\unit\{[^{}]*\}\s*+(?:[\d(]|\.\d|\\(?:frac|sqrt|pi)(?![A-Za-z]))")
# What a percentage is of belongs to its unit: 10 % of the boys are no 10 % of the girls.
_PERCENT = re.compile(r"\\%\s*+(?:\\unit\{(?P<things>[^{}]*)\}\s*+)?$")
_ONE_DEGREE = rf"\unit{{{DEGREE}}}"
_RADIANS_OF_A_DEGREE = r"\cdot \frac{\pi}{180}"
_ANGLE_FUNCTION = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])|(?<![A-Za-z\\])e\s*+\^")
_DOUBTFUL = re.compile(
    r"(?P<value>.*?(?:[\d})]|\\pi))\s++"
    r"(?P<unit>[A-Za-z]{1,2}+(?:(?:\s*+(?:/|\\cdot)\s*+|\s++)[A-Za-z]{1,2}+|\^\s*+(?:\{\s*+-?\d\s*+\}|-?\d))*+)",
    re.DOTALL,
)
_ABBREVIATED = re.compile(r"(?P<value>-?\d++(?:\.\d++)?)(?P<letter>[kKMB])")
_MAX_DOUBTFUL_CHARS = 100


def split_unit(latex: str) -> tuple[str, str | None]:
    """Return the value and the unit of a text; one in several units, or with a value behind a unit, stays as it is.

    A degree inside a function of angles is a number: the sine of 30 degrees is that of a sixth of pi.
    """
    if latex.count(r"\%") == 1:  # each of several is a hundredth
        latex = _PERCENT.sub(lambda percent: rf"\unit{{% {percent['things'] or ''}}}", latex)
    units = set(UNIT.findall(latex))
    if _ONE_DEGREE in latex and _ANGLE_FUNCTION.search(latex):
        return split_unit(latex.replace(_ONE_DEGREE, _RADIANS_OF_A_DEGREE))
    if len(units) != 1 or is_one_bracket(latex) or _WITHIN.search(latex):
        return latex, None
    return UNIT.sub("", latex).strip(), units.pop()


def without_common_unit(gold: str, answer: str) -> tuple[str, str]:
    """Return two texts without the unit that all their values share; what `split_unit` leaves stays as it is."""
    if len(set(UNIT.findall(gold + answer))) != 1 or _WITHIN.search(gold) or _WITHIN.search(answer):
        return gold, answer
    return UNIT.sub("", gold), UNIT.sub("", answer)


def read_doubtful(latex: str) -> tuple[str, str] | None:
    """Return the value and the unit of 5 m, None if its letters are no unit; for what is compared with a number."""
    match = _DOUBTFUL.fullmatch(latex) if len(latex) <= _MAX_DOUBTFUL_CHARS else None
    unit = re.sub(r"[{}]", "", match["unit"].replace(r"\cdot", "·")) if match else ""
    return (match["value"], unit) if match and is_doubtful(unit) and read_unit(unit) else None


def value_beside_a_number(latex: str) -> str | None:
    """Return what a text says beside a number: 5 m is five, 5k is 5000; None if it has no such letters."""
    if doubtful := read_doubtful(latex):
        return doubtful[0]
    match = _ABBREVIATED.fullmatch(latex)
    return rf"{match['value']}\cdot 10^{{{THOUSANDS_LETTERS[match['letter']]}}}" if match else None


def conversion(source: str, target: str) -> Conversion | None:
    """Return how values in one unit become values in another, None if they measure different things."""
    return convert(read_unit(source) or (), read_unit(target) or ())


def units_of(unit: str) -> list[str]:
    """Return the units that a unit is made of: hours and minutes; the value counts the first."""
    return unit.split(COMPOUND)


def has_other_values(unit: str) -> bool:
    """Return whether a value without a unit may be another than the one before this unit: in radians, in minutes."""
    return as_number(unit) is not None or len(units_of(unit)) > 1


def as_number(unit: str) -> Conversion | None:
    """Return how a value before a unit that is a number becomes one without it: 60° is a third of pi, 10 % a tenth."""
    for one in read_unit(unit) or ():
        if one.dimensions == (("angle", 1),) and one.scale == 1 and not one.pi:
            return Conversion(one.scale / 180, 1, one.offset)
        if one.dimensions == (("fraction", 1),):
            return Conversion(one.scale, 0, one.offset)
    return None
