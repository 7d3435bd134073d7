"""Linear equations in one unknown, and systems of two, whose solutions are whole numbers or fractions."""

from fractions import Fraction
from random import Random

from leanrl.data.tasks.task import MadeTask

_RANGE_BY_LEVEL = (5, 12, 12, 30, 12, 30)
_FIRST_FRACTION, _FIRST_SYSTEM = 3, 5


def make_linear_equation(level: int, draw: Random) -> MadeTask:
    """Return an equation; from level 3 the solution may be a fraction, from level 5 there are two unknowns."""
    largest = _RANGE_BY_LEVEL[level - 1]
    if level >= _FIRST_SYSTEM:
        return _system(largest, draw)
    slope = _nonzero(largest, draw)
    other = draw.choice([each for each in range(-largest, largest + 1) if each != slope])
    if level >= _FIRST_FRACTION:
        left, right = (draw.randint(-largest, largest) for _ in range(2))
        solution = Fraction(right - left, slope - other)
    else:
        solution = Fraction(draw.randint(-largest, largest))
        left = draw.randint(-largest, largest)
        right = left + int(solution) * (slope - other)
    equation = f"{_sum((slope, 'x'), (left, ''))} = {_sum((other, 'x'), (right, ''))}"
    return MadeTask(f"Solve for x: {equation}", (str(solution),))


def _system(largest: int, draw: Random) -> MadeTask:
    """Return two equations in x and y that have one solution; x is asked."""
    x, y = (draw.randint(-largest, largest) for _ in range(2))
    while True:
        (a, b), (c, d) = ([_nonzero(largest, draw) for _ in range(2)] for _ in range(2))
        if a * d != b * c:
            break
    first = f"{_sum((a, 'x'), (b, 'y'))} = {a * x + b * y}"
    second = f"{_sum((c, 'x'), (d, 'y'))} = {c * x + d * y}"
    return MadeTask(f"Solve for x, where {first} and {second}.", (str(x),))


def _nonzero(largest: int, draw: Random) -> int:
    return draw.choice([each for each in range(-largest, largest + 1) if each])


def _sum(*terms: tuple[int, str]) -> str:
    """Return a sum as it is written by hand: no 0 terms, no factor 1, a minus for a negative term."""
    text = ""
    for factor, name in terms:
        if not factor:
            continue
        size = "" if abs(factor) == 1 and name else str(abs(factor))
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        text += f"{sign}{size}{name}"
    return text or "0"
