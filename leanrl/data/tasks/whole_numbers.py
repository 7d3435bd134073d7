"""Tasks on whole numbers: sums, products, greatest common divisors, and numbers written in another base."""

import math
from random import Random

from leanrl.data.tasks.task import MadeTask

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASES = (2, 3, 5, 8, 12, 16)
_SUMMANDS_BY_LEVEL = (2, 2, 3, 3, 4, 5)
_DIGITS_OF_SUMMANDS = (1, 2, 2, 3, 4, 5)
_FACTORS_BY_LEVEL = ((1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4))  # digits of the two factors


def make_sum(level: int, draw: Random) -> MadeTask:
    """Return a sum; a higher level has more and longer summands."""
    numbers = [_number(_DIGITS_OF_SUMMANDS[level - 1], draw) for _ in range(_SUMMANDS_BY_LEVEL[level - 1])]
    return MadeTask(f"What is {' + '.join(map(str, numbers))}?", (str(sum(numbers)),))


def make_product(level: int, draw: Random) -> MadeTask:
    """Return a product of two numbers; a higher level has more digits."""
    left, right = (_number(digits, draw) for digits in _FACTORS_BY_LEVEL[level - 1])
    return MadeTask(f"What is {left} * {right}?", (str(left * right),))


def make_gcd(level: int, draw: Random) -> MadeTask:
    """Return a greatest common divisor; the common factor and both numbers have about `level` digits more than one."""
    common = _number(max(1, level // 2), draw) + 1
    left, right = (common * (_number((level + 1) // 2, draw) + 1) for _ in range(2))
    return MadeTask(f"What is the greatest common divisor of {left} and {right}?", (str(math.gcd(left, right)),))


def make_base_conversion(level: int, draw: Random) -> MadeTask:
    """Return a number of `level` + 1 decimal digits to write in another base, or to read from it."""
    base, number = draw.choice(_BASES), _number(level + 1, draw)
    written = in_base(number, base)
    if draw.random() < 0.5:
        return MadeTask(f"Write the decimal number {number} in base {base}, with digits 0-9 and a-f.", (written,))
    return MadeTask(f"The number {written} is written in base {base}. Write it in base 10.", (str(number),))


def in_base(number: int, base: int) -> str:
    """Return the digits of a positive whole number in a base of 2 to 36."""
    digits = ""
    while number:
        number, digit = divmod(number, base)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def _number(num_digits: int, draw: Random) -> int:
    return draw.randrange(10 ** (num_digits - 1), 10**num_digits)
