r"""Which values must be equal for two quantities to be: 5 m is 500 cm, 60 degrees are a third of pi.

A unit that only one side has is free: a gold answer often leaves it to the question. Two units must measure the same.
"""

from dataclasses import replace

from leanrl.grading.answers.nodes import Answer, Expression, Items, Quantity, Row
from leanrl.grading.units.quantities import conversion, is_degree, read_abbreviated, read_doubtful, units_of
from leanrl.grading.units.unit import Conversion

Pair = tuple[Answer, Answer]  # a gold value and an answer's
_TO_RADIANS = r"\frac{\pi}{180}\cdot (%s)"


def pairs_of_values(gold: Answer, answer: Answer) -> list[Pair]:
    """Return the pairs of values one of which must be equal; none where the units measure different things.

    At least one of the two is a quantity.
    """
    gold, answer = _with_doubtful(gold, answer), _with_doubtful(answer, gold)
    if isinstance(gold, Quantity) and isinstance(answer, Quantity):
        known = conversion(answer.unit, gold.unit)
        converted = None if known is None else _convert(answer.value, known)
        return [] if converted is None else [(gold.value, converted)]
    if isinstance(gold, Quantity):
        return [(one, answer) for one in _without_unit(gold)]
    assert isinstance(answer, Quantity)
    return [(gold, one) for one in _without_unit(answer)]


def readings_beside_a_number(answer: Answer) -> list[Answer]:
    """Return what an answer says if the gold answer is a number: 5 m is five, 5k is 5000."""
    if not isinstance(answer, Expression):
        return []
    doubtful, abbreviated = read_doubtful(answer.latex), read_abbreviated(answer.latex)
    return [Expression(text) for text in (doubtful and doubtful.value, abbreviated) if text]


def _with_doubtful(answer: Answer, other: Answer) -> Answer:
    """Return 5 m as a quantity where it stands beside one."""
    if isinstance(answer, Expression) and isinstance(other, Quantity) and (split := read_doubtful(answer.latex)):
        assert split.unit is not None
        return Quantity(answer.latex, Expression(split.value), split.unit)
    return answer


def _without_unit(quantity: Quantity) -> list[Answer]:
    """Return what a quantity may be beside a value without a unit: its own value, in any unit that it is written in.

    That of an angle in radians, too.
    """
    first, *smaller = units_of(quantity.unit)
    known = [conversion(first, one) for one in smaller]
    converted = [_convert(quantity.value, one) for one in known if one is not None]
    values = [quantity.value, *(one for one in converted if one is not None)]
    value = quantity.value
    if not is_degree(quantity.unit) or not isinstance(value, Expression):
        return values
    in_radians = Expression(_TO_RADIANS % value.latex)
    return [in_radians] if r"\pi" in value.latex else [*values, in_radians]


def _convert(value: Answer, known: Conversion) -> Answer | None:
    """Return a value in another unit, None where it is none that can be multiplied."""
    if known.is_identity:
        return value
    match value:
        case Expression():
            return Expression(known.apply(value.latex))
        case Items() | Row():
            items = [_convert(item, known) for item in value.items]
            return None if None in items else replace(value, items=tuple(item for item in items if item is not None))
        case _:
            return None
