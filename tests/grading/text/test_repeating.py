r"""Repeating decimals as fractions."""

import pytest

from leanrl.grading.text.repeating import as_fractions


@pytest.mark.parametrize(
    ("decimal", "fraction"),
    [
        (r"0.\overline{3}", r"\frac{1}{3}"),  # 3/9
        (r"0.1\overline{6}", r"\frac{1}{6}"),  # (16 - 1) / 90
        (r"2.{\bar{3}}", r"\frac{7}{3}"),
        (r"0.\dot{3}", r"\frac{1}{3}"),
        (r"0.\dot{1}4285\dot{7}", r"\frac{1}{7}"),  # 142857/999999
        (r"0.\overline{3}\overline{6}", r"\frac{4}{11}"),  # 36/99
        ("0.(3)", r"\frac{1}{3}"),
        ("0.1(6)", r"\frac{1}{6}"),
        (r"0.333\ldots", r"\frac{1}{3}"),
        (r"0.1666\ldots", r"\frac{1}{6}"),
        (r"0.1212\ldots", r"\frac{4}{33}"),
        ("0.3 repeating", r"\frac{1}{3}"),
        (r"0.\overline{9}", "1"),
        (r"x = 1.(3), y", r"x = \frac{4}{3}, y"),
        (r"3.14159\ldots", r"3.14159\ldots"),
        (r"0.33\ldots", r"0.33\ldots"),  # two digits may be anything
        ("0.5(3)x", "0.5(3)x"),  # a product
        (r"0.16 repeating", "0.16 repeating"),  # of which digits
        ("f(3)", "f(3)"),
        ("0.25", "0.25"),
        ("1" * 40 + r".\overline{3}", "1" * 40 + r".\overline{3}"),  # longer than any answer
    ],
)
def test_fractions(decimal, fraction):
    """In lowest terms; what need not repeat stays."""
    assert as_fractions(decimal) == fraction
