"""Which bracket closes which, and what stands outside all of them."""

import re

import pytest

from leanrl.grading.text.arguments import brace_arguments
from leanrl.grading.text.brackets import find_partners, is_one_bracket, split_outside


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("1,2", ["1", "2"]),
        ("(1,2),3", ["(1,2)", "3"]),
        ("[0,1),(2,3]", ["[0,1)", "(2,3]"]),
        (r"\{1,2\},3", [r"\{1,2\}", "3"]),
        (r"\frac{1,2}{3},4", [r"\frac{1,2}{3}", "4"]),
        (r"\begin{cases}1,2\end{cases},3", [r"\begin{cases}1,2\end{cases}", "3"]),
        (r"\langle 1,2 \rangle,3", [r"\langle 1,2 \rangle", "3"]),
        ("1", ["1"]),
        ("", [""]),
        (")1,2", [")1", "2"]),  # a stray closing bracket hides nothing
    ],
)
def test_pieces_outside_brackets(text, pieces):
    """Commas within brackets do not split."""
    assert split_outside(text, re.compile(",")) == pieces


@pytest.mark.parametrize(
    ("text", "expected"),
    [("(1)", True), ("[0,1)", True), (r"\{1\}", True), ("(1)(2)", False), ("1", False), ("(1", False), ("", False)],
)
def test_one_bracket(text, expected):
    """The first bracket is closed by the last character."""
    assert is_one_bracket(text) == expected


def test_partners():
    """Round and square brackets close each other, as in intervals; a brace closes what was left open in it."""
    assert find_partners("{(0,1]}") == {1: 5, 0: 6}
    assert find_partners("{(}") == {0: 2}
    assert find_partners(r"\{1}") == {}


@pytest.mark.parametrize(
    ("bare", "braced"),
    [
        (r"\frac12", r"\frac{1}{2}"),
        (r"\frac{270}7", r"\frac{270}{7}"),
        (r"\frac9{19}", r"\frac{9}{19}"),
        (r"\frac ab", r"\frac {a}{b}"),
        (r"\sqrt3x", r"\sqrt{3}x"),
        (r"\sqrt[3]2", r"\sqrt[3]{2}"),
        (r"\sqrt(2)", r"\sqrt{(2)}"),
        (r"\frac{\sqrt3}2", r"\frac{\sqrt{3}}{2}"),
        (r"\binom52", r"\binom{5}{2}"),
        (r"\frac{1}{2}", r"\frac{1}{2}"),
        (r"\frac1", r"\frac{1}"),  # for the parser to refuse
        (r"\frac", r"\frac"),
    ],
)
def test_bare_arguments(bare, braced):
    """As TeX reads them: one token each."""
    assert brace_arguments(bare) == braced


def test_deep_nesting_is_read_once():
    """Five thousand fractions within each other."""
    nested = r"\frac{" * 5000 + "}" * 5000
    assert brace_arguments(nested) == nested
