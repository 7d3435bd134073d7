"""What the text of a unit measures."""

from fractions import Fraction

import pytest

from leanrl.grading.units.reading import read_unit
from leanrl.grading.units.unit import convert


@pytest.mark.parametrize(
    ("source", "target", "scale", "pi", "offset"),
    [
        ("m", "cm", 100, 0, 0),
        ("km/h", "m/s", Fraction(5, 18), 0, 0),
        ("miles per hour", "mph", 1, 0, 0),
        ("square feet", "ft^2", 1, 0, 0),
        ("cubic inches", "cm^3", Fraction(16387064, 1000000), 0, 0),  # 2.54^3
        ("kWh", "J", 3600000, 0, 0),
        ("N", "kg m/s^2", 1, 0, 0),
        ("m/s/s", "m s^-2", 1, 0, 0),
        ("°", "rad", Fraction(1, 180), 1, 0),
        ("° C", "° F", Fraction(9, 5), 0, 32),
        ("degrees Celsius", "K", 1, 0, Fraction(27315, 100)),
        ("pounds", "kg", Fraction(45359237, 100000000), 0, 0),
        ("pounds", "GBP", 1, 0, 0),  # mass or money
        ("dollars per person", "USD", 1, 0, 0),
        ("平方米", "m^2", 1, 0, 0),
    ],
)
def test_conversion(source, target, scale, pi, offset):
    """target = scale pi^pi source + offset."""
    found = convert(read_unit(source), read_unit(target))
    assert (found.scale, found.pi, found.offset) == (scale, pi, offset)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("m", "kg"),
        ("m", "m^2"),
        ("USD", "EUR"),
        ("apples", "pears"),
        ("red balls", "blue balls"),
        ("apples", "cm"),
        ("days", "months"),  # a month has no fixed number of days
    ],
)
def test_no_conversion(source, target):
    """They measure different things."""
    assert convert(read_unit(source), read_unit(target)) is None


@pytest.mark.parametrize("text", ["", "xyz", "or seven", "m or s", "squared", "if", "red", "e", "i", "plus", "m + s"])
def test_no_units(text):
    """One word in no table is enough."""
    assert read_unit(text) is None
