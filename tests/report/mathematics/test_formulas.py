r"""Formulas are found in a text by their signs; money and broken ones stay text."""

import pytest

from leanrl.report.mathematics.formulas import find_formulas
from tests.cpu_time import is_within


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("so $x + 1$ and $y$.", ["x + 1", "y"]),
        ("$$\nx^2\n$$", ["\nx^2\n"]),
        (r"\[ a \\[2pt] b \] then \(c\)", [r" a \\[2pt] b ", "c"]),
        (r"\begin{align*} a &= b \\ c &= \frac{1}{2} \end{align*}", ["ALL"]),
        (r"the answer is \boxed{\frac12}", [r"\boxed{\frac12}"]),
        (r"the answer is $\boxed{7}$", [r"\boxed{7}"]),  # the box is in the formula
        ("costs $100. He sells for $1.5 each and has $50", []),
        ("from $5 to $9", []),
        ("$10,$20", []),
        (r"5\$ and 6\$", []),
        (r"$a\$b$", [r"a\$b"]),
        ("$ x $", []),
        ("$x\ny$", []),  # within a line
        (r"\( never closed", []),
        (r"\(a \(b\)", ["b"]),
        (r"\\(not opened\\)", []),
        ("$答案$是$5$。", ["答案", "5"]),
        (f"${'x' * 1000}$", []),
    ],
)
def test_formulas_are_found_by_their_signs(text: str, found: list[str]) -> None:
    latex = [text if each == "ALL" else each for each in found]
    assert [each.latex for each in find_formulas(text)] == latex


def test_display_and_places() -> None:
    text = r"a $b$ \[c\] $$d$$ \(e\)"
    places = [(text[each.start : each.end], each.is_display) for each in find_formulas(text)]
    assert places == [("$b$", False), (r"\[c\]", True), ("$$d$$", True), (r"\(e\)", False)]


@pytest.mark.parametrize("unit", ["$", "$$", r"\[", r"\(", "$a ", r"\begin{align}", r"\boxed{", "\\", "$a\\", r"\[\]"])
def test_any_text_takes_little_time(unit: str) -> None:
    """As many characters as the page shows of a completion."""
    assert is_within(0.5, lambda: find_formulas(unit * (6000 // len(unit))))
