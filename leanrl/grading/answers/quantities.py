r"""Values with a unit behind them, and which values must be equal for two of them to be.

5 m is 500 cm, 60 degrees are a third of pi. A unit that only one side has is free: a gold answer often leaves it to the
question. Two units must measure the same.
"""

import re
from dataclasses import replace

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.names import has_variable
from leanrl.grading.units.quantities import UNIT, as_number, conversion, read_doubtful, split_unit, units_of
from leanrl.grading.units.unit import Conversion

_LETTERS, _DECIMAL = re.compile("[A-Za-z]{2,4}"), re.compile(r"-?\d+(?:\.\d+)?")


def read_quantity(latex: str, read: Read) -> Answer | None:
    """Return a value and its unit; a text whose degrees are written out as numbers has a value alone."""
    value, unit = split_unit(latex)
    if unit is not None:
        return Answer(latex, "quantity", (read(value),), (unit,))
    return read(value) if value != latex else None


def pairs_of_values(gold: Answer, answer: Answer) -> list[tuple[Answer, Answer]]:
    """Return the pairs of a gold value and an answer's one of which must be equal, for a quantity on one side at least.

    There are none where the units measure different things.
    """
    gold, answer = _with_doubtful(gold, answer), _with_doubtful(answer, gold)
    if gold.kind != "quantity":
        return [(gold, value) for value in _without_unit(answer, gold)]
    if answer.kind != "quantity":
        return [(value, answer) for value in _without_unit(gold, answer)]
    converted = _in_unit(answer.value, answer.marks[0], gold.marks[0])
    return [] if converted is None else [(gold.value, converted)]


def _with_doubtful(answer: Answer, other: Answer) -> Answer:
    """Return 5 m as a quantity where it stands beside one."""
    split = read_doubtful(answer.latex) if answer.kind == "expression" and other.kind == "quantity" else None
    return Answer(answer.latex, "quantity", (Answer(split[0]),), (split[1],)) if split else answer


def _without_unit(quantity: Answer, other: Answer) -> list[Answer]:
    """Return what a quantity may be beside a value without a unit: its own value, in any unit that it is written in.

    That of an angle in radians and of a percentage as a fraction, too. Beside letters, 5 nm may be a product.
    """
    value, unit = quantity.value, quantity.marks[0]
    first, *smaller = units_of(unit)
    converted = (_in_unit(value, first, one) for one in smaller)
    values = [value, *(one for one in converted if one is not None)]
    if _LETTERS.fullmatch(unit) and _DECIMAL.fullmatch(value.latex) and has_variable(other):
        values.append(Answer(f"{value.latex} {' '.join(unit)}"))
    known = as_number(unit)
    number = _convert(value, known) if known else None
    if known is None or number is None:
        return values
    if known.pi and has_variable(value):  # 180° - x, whose x may be in radians
        values.append(Answer(UNIT.sub(r"\\cdot \\frac{\\pi}{180} ", quantity.latex)))
    return [number] if known.pi and r"\pi" in value.latex else [*values, number]


def _in_unit(value: Answer, source: str, target: str) -> Answer | None:
    """Return a value in another unit, None where that measures something else, or the value cannot be multiplied."""
    known = conversion(source, target)
    return None if known is None else _convert(value, known)


def _convert(value: Answer, known: Conversion) -> Answer | None:
    if known.is_identity:
        return value
    if value.kind == "expression":
        return Answer(known.apply(value.latex))
    items = [_convert(item, known) for item in value.parts]
    if value.kind not in ("list", "row") or None in items:
        return None
    return replace(value, parts=tuple(item for item in items if item is not None))
