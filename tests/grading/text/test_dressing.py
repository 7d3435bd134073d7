"""What dresses an answer goes; what it says stays."""

import pytest

from leanrl.grading.text.dressing import undress


@pytest.mark.parametrize(
    ("dressed", "plain"),
    [
        ("5", "5"),
        (r"\textcolor{red}{5}", "5"),
        (r"\textcolor[rgb]{1,0,0}{5}", "5"),
        (r"\fcolorbox{red}{white}{x+1}", "x+1"),
        (r"\underline{\textcolor{red}{5}}", "5"),
        (r"2\textcolor{red}{5}", "25"),  # as it is seen
        (r"\pi\textcolor{red}{x}", r"\pi x"),
        (r"x^\textcolor{red}{10}", "x^{10}"),
        (r"\frac{\underline{1}}{2}", r"\frac{1}{2}"),
        (r"5\tag{3}", "5"),
        (r"5\kern3pt", "5"),
        (r"\large[0,1]", "[0,1]"),  # a size has no option
        (r"5\\", "5"),
        (r"5\\6", r"5\\6"),
        (r"\underline", ""),
        (r"\textcolor{red", r"{red"),
        ("**5**", "5"),
        ("x = **5**.", "x = 5."),
        ("2**3**2", "2**3**2"),
        ("2*3*4", "2*3*4"),
        ("`5` or `6`", "5 or 6"),
        ("a<b>c", "a<b>c"),
        ("<b>5</b>", "5"),
        ("x<sup>2</sup>", "x^{2}"),
        ("~~5~~", r"\cancel{5}"),
        (r"\alpha", r"\alpha"),
    ],
)
def test_dress(dressed, plain):
    """Commands with their arguments, Markdown and HTML."""
    assert undress(dressed).strip() == plain


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (r"\begin{aligned}x&=5\end{aligned}", "x=5"),
        (r"\begin{align*}x&=2+3\\&=5\end{align*}", "x=2+3 =5"),  # goes on
        (r"\begin{align*}x&=2\\&+3\end{align*}", "x=2 +3"),
        (r"\begin{gather}5\\-5\end{gather}", "5, -5"),  # a value of its own
        (r"\begin{aligned}x&=2,\\[4pt]y&=5.\end{aligned}", "x=2, y=5."),
        (r"\begin{equation}\begin{split}x&=5\end{split}\end{equation}", "x=5"),
        (
            r"\begin{aligned}A&=\begin{pmatrix}1&2\\3&4\end{pmatrix}\end{aligned}",
            r"A=\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        ),
        (r"\begin{pmatrix}1\\[4pt]2\end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
        (r"\begin{aligned}x&=5", r"\begin{aligned}x&=5"),  # never closed: for the parser to refuse
    ],
)
def test_aligned_lines(lines, joined):
    """Rows are a list, unless one goes on with a sign; a matrix keeps its rows."""
    assert undress(lines) == joined
