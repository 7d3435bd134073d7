"""Answers that can be judged without a parser."""

from fractions import Fraction

from leanrl.grading.text.characters import squeeze
from leanrl.grading.text.numbers import PlainNumber, are_same_number, read_number
from leanrl.grading.units.quantities import conversion, has_other_values, split_unit

_PERCENT = r"\%"


def certain_equality(gold: str, answer: str) -> bool | None:
    """Return whether two normalised texts are equal if that is beyond doubt, else None.

    The same text twice is equal, two plain numbers are equal or not. The rest is for a parser.
    """
    if squeeze(gold) == squeeze(answer):
        return True
    gold_value, answer_value = split_unit(gold), split_unit(answer)
    numbers = [read_number(one.value.removesuffix(_PERCENT)) for one in (gold_value, answer_value)]
    if numbers[0] is None or numbers[1] is None:
        return None
    if gold_value.unit and answer_value.unit:
        return _are_same_quantity(numbers[0], numbers[1], gold_value.unit, answer_value.unit)
    if are_same_number(numbers[0], numbers[1]):
        return True
    if "," in gold or "," in answer:
        return None  # a number with thousands set apart, or a list
    # A percentage may be left to the question (10 for 10 %) or be written as its value (0.1), degrees as radians,
    # hours as minutes: a parser's work.
    is_free = any(one.endswith(_PERCENT) for one in (gold, answer)) or any(
        has_other_values(one.unit) for one in (gold_value, answer_value) if one.unit
    )
    return None if is_free else False


def _are_same_quantity(gold: PlainNumber, answer: PlainNumber, gold_unit: str, answer_unit: str) -> bool | None:
    """Return whether two numbers are equal in one unit, None where pi stands between the units."""
    known = conversion(answer_unit, gold_unit)
    if known is None:
        return False
    if known.pi:
        return None
    value = known.scale * answer.value + known.offset
    return are_same_number(gold, PlainNumber(Fraction(value), answer.is_decimal))
