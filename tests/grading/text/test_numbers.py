"""Plain numbers, and when two of them are one."""

from fractions import Fraction

import pytest

from leanrl.grading.answers.certainty import certain_equality
from leanrl.grading.text.numbers import PlainNumber, are_same_number, read_number


@pytest.mark.parametrize(
    ("latex", "value", "is_decimal"),
    [
        ("42", Fraction(42), False),
        ("042", Fraction(42), False),
        ("-0.25", Fraction(-1, 4), True),
        ("3/7", Fraction(3, 7), False),
        (r"\frac{3}{7}", Fraction(3, 7), False),
        (r"-\frac{3}{7}", Fraction(-3, 7), False),
        (r"\frac{-3}{7}", Fraction(-3, 7), False),
        (r"2\frac{1}{3}", Fraction(7, 3), False),
        (r"-2\frac{1}{3}", Fraction(-7, 3), False),
        ("2 1/3", Fraction(7, 3), False),
        ("-2 1/3", Fraction(-7, 3), False),
        ("1,234", Fraction(1234), False),
    ],
)
def test_numbers_are_read(latex, value, is_decimal):
    """Whole, decimal, fractions, mixed numbers, thousands."""
    assert read_number(latex) == PlainNumber(value, is_decimal)


@pytest.mark.parametrize(
    "latex",
    [
        "",
        "x",
        "1 2",
        "11 6/6",
        "1,23",
        r"\frac{1}{0}",
        "1/0",
        r"2\frac{3}{2}",
        r"2\frac{-1}{2}",
        "9" * 500,
        "1e5",
        "--1",
        ".",
    ],
)
def test_what_is_no_plain_number(latex):
    """Division by zero, improper mixed numbers and monsters are left to the parser."""
    assert read_number(latex) is None


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        ("1/3", "0.333333", True),  # differs by 3.3e-7, less than half a millionth
        ("1/3", "0.33333", False),
        ("0.333333", "1/3", True),
        ("0.0000001", "0.0000002", False),  # as close, but not in four digits
        ("2/6", "1/3", True),
        ("1/3", "333333/1000000", False),  # no decimal: exact
    ],
)
def test_decimals_round(gold, answer, expected):
    """At six places, and in four digits at least."""
    assert are_same_number(read_number(gold), read_number(answer)) == expected


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        ("5", "5.0", True),
        ("5", "6", False),
        ("x + 1", "x+1", True),
        ("x + 1", "1 + x", None),
        (r"5\%", "5", True),
        (r"5\%", "0.05", None),
        ("81,256", "81256", True),
        ("81,256", "5", None),
        ("4 2", "42", None),
    ],
)
def test_certainty(gold, answer, expected):
    """True or False only where no parser could say otherwise."""
    assert certain_equality(gold, answer) is expected
