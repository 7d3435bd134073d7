"""Numbers that are right within an error that the benchmark allows."""

import math
from decimal import Decimal, InvalidOperation


def is_within(answer: str | None, gold: str, *, tolerance: object) -> bool:
    """Return whether a plain number is no further from the gold than the tolerance of its problem.

    Args:
        tolerance: the cell of the benchmark's column: a number, or a text such as `1e-1`; anything else allows nothing.
    """
    values = [_number(text) for text in (answer, gold, tolerance)]
    if any(value is None for value in values):
        return False
    number, right, error = (value for value in values if value is not None)
    return abs(number - right) <= error


def _number(text: object) -> Decimal | None:
    if text is None or isinstance(text, bool):
        return None
    try:
        value = Decimal(str(text).strip().strip("$").replace(",", "").rstrip("%").removesuffix("\\").strip())
    except InvalidOperation:
        return None
    return value if math.isfinite(value) else None
