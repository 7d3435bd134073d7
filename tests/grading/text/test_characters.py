"""The ASCII and LaTeX spelling of a text's characters."""

import pytest

from leanrl.grading.text.characters import spell_in_latex, squeeze


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x+1", "x+1"),
        ("２０４", "204"),
        ("١٢", "12"),  # Arabic-Indic digits
        ("−5", "-5"),
        ("½", r"\frac{1}{2}"),
        ("3½", r"3\frac{1}{2}"),
        ("x²", "x^{2}"),
        ("x¹⁰", "x^{10}"),
        ("x₁", "x_{1}"),
        ("√12", r"\sqrt{12}"),
        ("√x", r"\sqrt x"),
        ("π", r"\pi "),
        ("λΔ", r"\lambda \Delta "),
        ("x ≤ 5", r"x \le  5"),
        ("60°", r"60^{\circ}"),
        ("a\0b", "ab"),
        ("\u202e42\u202c", "42"),  # direction marks
        ("4\u200b2", "42"),  # a zero-width space
        ("4\ud8002", "4�2"),  # a lone surrogate is no digit separator
        ("é", "é"),
    ],
)
def test_spelling(text, latex):
    """Signs, scripts, fractions and letters become LaTeX; what cannot be seen goes."""
    assert spell_in_latex(text) == latex


@pytest.mark.parametrize(("text", "squeezed"), [(" x + 1 ", "x+1"), ("4 2", "4 2"), ("4 , 2", "4,2")])
def test_spaces_that_mean_nothing(text, squeezed):
    """All but those between digits."""
    assert squeeze(text) == squeezed
