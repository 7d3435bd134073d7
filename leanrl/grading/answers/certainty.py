"""Answers that can be judged without a parser."""

from leanrl.grading.text.characters import squeeze
from leanrl.grading.text.numbers import PlainNumber, are_same_number, read_number
from leanrl.grading.units.quantities import conversion, has_other_values, split_unit


def certain_equality(gold: str, answer: str) -> bool | None:
    """Return whether two normalised texts are equal if that is beyond doubt, else None.

    The same text twice is equal, two plain numbers are equal or not. The rest is for a parser.
    """
    if squeeze(gold) == squeeze(answer):
        return True
    (gold_value, gold_unit), (answer_value, answer_unit) = split_unit(gold), split_unit(answer)
    number, answered = read_number(gold_value), read_number(answer_value)
    if number is None or answered is None:
        return None
    if gold_unit and answer_unit:
        known = conversion(answer_unit, gold_unit)
        if known is None or known.pi:
            return None if known else False
        return are_same_number(number, PlainNumber(known.scale * answered.value + known.offset, answered.is_decimal))
    if are_same_number(number, answered):
        return True
    if "," in gold or "," in answer:
        return None  # a number with thousands set apart, or a list
    # A percentage may be left to the question (10 for 10 %) or be written as its value (0.1), degrees as radians,
    # hours as minutes: a parser's work.
    return None if any(unit and has_other_values(unit) for unit in (gold_unit, answer_unit)) else False
