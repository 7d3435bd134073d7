"""Values with a unit behind them."""

from leanrl.grading.answers.nodes import Answer, Quantity, Read
from leanrl.grading.units.quantities import split_unit


def read_quantity(latex: str, read: Read) -> Answer | None:
    """Return a value and its unit; a text whose degrees are written out as numbers has a value alone."""
    split = split_unit(latex)
    if split.unit is not None:
        return Quantity(latex, read(split.value), split.unit)
    return read(split.value) if split.value != latex else None
