r"""Formulas typeset by latex2mathml: what is known is drawn, what is broken or slow stays as it was written."""

import sys
import time
from html.parser import HTMLParser

import pytest
from markupsafe import escape

from leanrl.report.mathematics.markup import _ATTRIBUTES, _ELEMENTS
from leanrl.report.mathematics.pieces import plain_pieces, typeset_pieces
from leanrl.report.mathematics.typesetting import Typesetter, _TooSlowError, _within

pytest.importorskip("latex2mathml", reason="latex2mathml (extra `report`) is not installed here")

ROOM = 100_000


def shown(text: str, *, room: int = ROOM, graded: tuple[int, int] = (0, 0)) -> list[tuple[str, bool]]:
    return [(str(one.shown), one.is_graded) for one in typeset_pieces(text, Typesetter(), room=room, graded=graded)]


@pytest.mark.parametrize(
    ("latex", "parts"),
    [
        (r"\frac{1}{2}", ["<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>"]),
        (r"x^2 \le \sqrt{\pi}", ["<msup>", "≤", "<msqrt>", "π"]),
        (r"\boxed{7}", ['<mrow class="boxed">']),
        (r"a < b > c & d", ["&lt;", "&gt;"]),
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", ["<mtable>", "<mtd>"]),
        (r"\text{if } x \in \mathbb{R}", ["<mtext>", "∈", "ℝ"]),
    ],
)
def test_a_formula_is_drawn(latex: str, parts: list[str]) -> None:
    (piece,) = typeset_pieces(f"${latex}$", Typesetter(), room=ROOM)
    for part in parts:
        assert part in str(piece.shown)


@pytest.mark.parametrize(
    "latex", [r"\frac{1}", r"\left(", r"x^", "{" * 400, r"\begin{pmatrix} 1", r"\sqrt", r"a_b_c", r"\genfrac"]
)
def test_a_broken_formula_stays_as_it_was_written(latex: str) -> None:
    text = f"so \\[{latex}\\] it is"
    assert "".join(str(one.shown) for one in typeset_pieces(text, Typesetter(), room=ROOM)).startswith("so ")
    assert [one for one in shown(text) if "<math" in one[0]] == [] or latex == "{" * 400


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}", r"\href{javascript:alert(1)}{x}", r"\style{position:fixed}{x}",
        r"\text{&#x3c;img src=x onerror=y&#x3e;}", r"\mathrm{</math><img src=x>}", r"\color{red}{x}",
        r"<img src=x onerror=alert(1)>", r"\hbox{</annotation></math><script>x</script>}", r"\operatorname{<b>}",
        r"\begin{array}{<script>}1\end{array}", r"\hspace{9999em}x", r"\class{pill}{x}", r"\unknown<script>",
    ],
)  # fmt: skip
def test_nothing_active_passes(latex: str) -> None:
    """A browser's parser would find no element and no attribute in it that this page does not write itself."""
    page = Elements()
    page.feed("".join(str(escape(one.shown)) for one in typeset_pieces(f"${latex}$", Typesetter(), room=ROOM)))
    assert page.names <= _ELEMENTS | {"math", "semantics", "annotation"}
    assert page.attributes <= _ATTRIBUTES.keys() | {"class", "encoding", "display"}
    assert page.classes <= {"boxed"}


class Elements(HTMLParser):
    """What a browser would make of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.classes: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.classes |= {value for name, value in attrs if name == "class"}


def test_text_and_formulas_in_order_with_the_graded_box() -> None:
    text = r"We add $1+1$; it is $\boxed{2}$ <b>."
    start = text.index(r"\boxed")
    found = shown(text, graded=(start, start + len(r"\boxed{2}")))
    assert [part if "<math" not in part else "MATH" for part, _ in found] == [
        "We add ",
        "MATH",
        "; it is ",
        "MATH",
        " <b>.",
    ]
    assert [is_graded for _, is_graded in found] == [False, False, False, True, False]


def test_the_graded_formula_is_typeset_first_where_room_is_short() -> None:
    text = r"$a+b+c+d$ $\boxed{2}$"
    start = text.index(r"\boxed")
    graded = (start, start + len(r"\boxed{2}"))
    room = len(shown(r"$\boxed{2}$")[0][0])
    parts = [part for part, _ in shown(text, room=room, graded=graded)]
    assert parts[0] == "$a+b+c+d$ "
    assert parts[1].startswith("<math")


def test_without_typesetting_the_box_alone_is_apart() -> None:
    text = r"it is $\boxed{2}$."
    start = text.index(r"\boxed")
    pieces = plain_pieces(text, graded=(start, start + 9))
    assert [(piece.shown, piece.is_graded) for piece in pieces] == [
        ("it is $", False),
        (r"\boxed{2}", True),
        ("$.", False),
    ]


def test_what_takes_too_long_is_ended_in_time() -> None:
    def endless() -> None:
        while True:
            abs(-1)

    started = time.perf_counter()
    with pytest.raises(_TooSlowError):
        _within(0.05, endless)
    assert time.perf_counter() - started < 5
    assert sys.getprofile() is None


def test_after_many_slow_ones_no_more_are_tried() -> None:
    typesetter = Typesetter(most_seconds=-1.0)
    for number in range(20):
        assert typesetter.typeset(f"x+{number}", source="", is_display=False) is None
    typesetter._most_seconds = 1.0
    assert typesetter.typeset("x", source="x", is_display=False) is None
    assert Typesetter().typeset("x", source="x", is_display=False) is not None
