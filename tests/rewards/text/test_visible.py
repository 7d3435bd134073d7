"""Whether anything can be seen in a text."""

import pytest

from leanrl.rewards.text.visible import has_visible_content


@pytest.mark.parametrize(
    "text",
    [
        "4", "x", "五", "½", "−", "+", "<", "∅", "🙂", r"\infty", r"\emptyset", r"\text{no}", r"\frac{1}{2}",
        r"\left(1,2\right)", r"\textcolor{red}{5}", r"\begin{pmatrix}1\\2\end{pmatrix}", "$4$", "**4**", "<b>4</b>",
        "&frac12;", r"\pi", "x<y, y>z", r"\{1, 2\}", "50%", r"\large 5", r"\varnothing",
        r"\bf 5", r"5\kern 1pt", r"\rule{1pt}{1pt}x", r"\sqrt5",
    ],
)  # fmt: skip
def test_what_shows_something(text):
    assert has_visible_content(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\n\t", "~", "{}", "{{}}", r"\,", r"\;\:\!", r"\ ", r"\quad", r"\qquad\quad", r"\text{}",
        r"\text{ }", r"\mathrm{~}", r"\mbox{}", r"\hspace{1cm}", r"\phantom{5}", r"\phantom{\frac{5}{2}}",
        r"\hphantom{{5}}", r"\color{red}", r"\textcolor{white}{}", r"\frac{}{}", r"\begin{aligned}\end{aligned}",
        r"\displaystyle", r"\left.\right.", "$$", r"\(\)", "\u200b", "\u200d\ufeff", "\u00ad", "\u2060", "\u3164",
        "\u115f", "\u2800", "\u00a0\u2003\u3000", "\ufe0f", "\u0301", "\x00", "\U000e0041", ".", "...", "?!", "-",
        "**", "<br>", "<b></b>", "<!-- 4 -->",
        r"\bf", r"\hline", r"\nonumber",
        r"\kern 5pt", r"\hskip 1em", r"\rule{0pt}{1pt}", r"\\[5pt]", "%7", r"\cssId{a}{}", r"\ldots", r"\square",
        "&nbsp;", "&#8203;", "&zwj;", "\ufffd", "\\",
    ],
)  # fmt: skip
def test_what_shows_nothing(text):
    assert not has_visible_content(text)
