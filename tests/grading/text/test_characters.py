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
        ("e\u0301", "é"),  # a letter and its mark
        ("x⁻¹", "x^{-1}"),
        ("xⁿ⁺¹", "x^{n+1}"),
        ("∛27", r"\sqrt[3]{27}"),
        ("³√8", r"\sqrt[3]{8}"),
        ("2³√8", r"2^{3}\sqrt{8}"),  # the index may be a power
        ("3\u0305", r"\overline{3}"),
        ("x\u0304", r"\overline{x}"),
        ("=\u0338", r"\not ="),
        ("≠", r"\not ="),
        ("≮", r"\not <"),
        ("5\u0336", r"\cancel{5}"),
        ("5\ufe0f", "5"),
        ("हिन्दी", "हिन्दी"),  # vowel signs are letters
    ],
)
def test_spelling(text, latex):
    """Signs, scripts, fractions and letters become LaTeX; what cannot be seen goes."""
    assert spell_in_latex(text) == latex


@pytest.mark.parametrize(("text", "squeezed"), [(" x + 1 ", "x+1"), ("4 2", "4 2"), ("4 , 2", "4,2")])
def test_spaces_that_mean_nothing(text, squeezed):
    """All but those between digits."""
    assert squeeze(text) == squeezed
