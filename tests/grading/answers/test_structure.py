"""What an answer is made of."""

import pytest

from leanrl.grading.answers.nodes import (
    Based,
    Chain,
    Choice,
    Date,
    Expression,
    Family,
    Grouped,
    Items,
    Matrix,
    Ratio,
    Relation,
    Row,
    Time,
    Words,
)
from leanrl.grading.answers.readers.words import spell
from leanrl.grading.answers.structure import read_structure

X, ONE, TWO = Expression("x"), Expression("1"), Expression("2")


@pytest.mark.parametrize(
    ("latex", "answer"),
    [
        ("x+1", Expression("x+1")),
        ("(1)", ONE),
        ("1, 2", Items("1, 2", (ONE, TWO))),
        ("1; 2", Items("1; 2", (ONE, TWO))),
        (r"\{1, 2\}", Items(r"\{1, 2\}", (ONE, TWO), "braces")),
        (r"1 \text{and} 2", Items(r"1 \text{and} 2", (ONE, TWO), "and")),
        (r"1, x \text{or} 2", Items(r"1, x \text{or} 2", (ONE, X, TWO), "or")),
        (r"\text{no solution}", Items(r"\text{no solution}", (), "braces")),
        (r"2 > x \ge 1", Relation(r"2 > x \ge 1", (ONE, X, TWO), (r"\le", "<"))),
        ("3:40", Time("3:40", 13_200, "")),
        ("2024-01-31", Date("2024-01-31", 2024, 1, 31)),
        (r"x, x \in \mathbb{Z}", Family(r"x, x \in \mathbb{Z}", X, "integer")),
        ("(1, 2)", Row("(1, 2)", "()", (ONE, TWO))),
        ("[1, 2)", Row("[1, 2)", "[)", (ONE, TWO))),
        (r"\langle 1, 2 \rangle", Row(r"\langle 1, 2 \rangle", "()", (ONE, TWO))),
        ("x = 1", Chain("x = 1", (X, ONE), ("=",))),
        (r"x = 1 \approx 2", Chain(r"x = 1 \approx 2", (X, ONE, TWO), ("=", r"\approx"))),
        (r"x \in 1", Chain(r"x \in 1", (X, ONE), (r"\in",))),
        ("x = 1, 2", Chain("x = 1, 2", (X, Items("x = 1, 2", (ONE, TWO))), ("=",))),
        ("1 < x = 2", Expression("1 < x = 2")),
        ("1:2", Ratio("1:2", (ONE, TWO))),
        ("101_{2}", Based("101_{2}", "101", "2")),
        ("(C)", Choice("(C)", "C", None)),
        ("(C) 2", Choice("(C) 2", "C", TWO)),
        ("12,345", Grouped("12,345", Expression("12345"), Items("12,345", (Expression("12"), Expression("345"))))),
        (r"1 \pm x", Items(r"1 \pm x", (Expression("1 + x"), Expression("1 - x")))),
        (r"\pm x \mp 1", Items(r"\pm x \mp 1", (Expression(" x - 1".strip()), Expression("- x + 1")))),
        (r"\text{no way}", Words(r"\text{no way}", ("no", "way"))),
        ("Tuesday", Words("Tuesday", ("tuesday",))),
        (r"\begin{pmatrix}1\end{pmatrix}", Matrix(r"\begin{pmatrix}1\end{pmatrix}", ((ONE,),))),
        (r"\{x \mid x > 1\}", Relation("x > 1", (ONE, X), ("<",))),
    ],
)
def test_structure(latex, answer):
    """Commas bind least, then equals signs, then colons, then brackets."""
    assert read_structure(latex) == answer


def test_a_system_is_a_list_of_its_rows():
    """Two rows, two values with their names."""
    system = read_structure(r"\begin{cases} x = 1 \\ y = 2 \end{cases}")
    assert isinstance(system, Items)
    assert [item.latex for item in system.items] == ["x = 1", "y = 2"]


def test_deep_nesting_ends_in_an_expression():
    """Hundreds of brackets are no list of lists."""
    assert read_structure("(" * 500 + "1,2" + ")" * 500)


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\text{The  End.}", ("end",)),
        ("No, never!", ("no", "never")),
        ("well-known", ("well", "known")),
        ("from -5 (or 7.50)", ("from", "-", "5", "(", "or", "7.5", ")")),
        ("", ()),
    ],
)
def test_spelling_of_words(latex, words):
    """Case, articles, punctuation and commands do not count; signs, numbers and brackets do."""
    assert spell(latex) == words
