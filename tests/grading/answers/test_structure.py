"""What an answer is made of."""

import pytest

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.readers.words import spell
from leanrl.grading.answers.structure import read_structure

X, ONE, TWO = Answer("x"), Answer("1"), Answer("2")
ONE_TWO = (ONE, TWO)


@pytest.mark.parametrize(
    ("latex", "kind", "parts", "marks"),
    [
        ("x+1", "expression", (), ()),
        ("1, 2", "list", ONE_TWO, ("comma",)),
        ("1; 2", "list", ONE_TWO, ("comma",)),
        (r"\{1, 2\}", "list", ONE_TWO, ("braces",)),
        (r"1 \text{and} 2", "list", ONE_TWO, ("and",)),
        (r"1, x \text{or} 2", "list", (ONE, X, TWO), ("or",)),
        (r"\text{no solution}", "list", (), ("braces",)),
        (r"2 > x \ge 1", "relation", (ONE, X, TWO), (r"\le", "<")),
        ("3:40", "time", (), ("13200", "")),
        ("2024-01-31", "date", (), ("2024", "1", "31")),
        (r"x, x \in \mathbb{Z}", "family", (X,), ("integer",)),
        (r"x \pmod{2}", "modulo", (X,), ("2",)),
        (r"1\unit{cm}", "quantity", (ONE,), ("cm",)),
        ("(1, 2)", "row", ONE_TWO, ("()",)),
        ("[1, 2)", "row", ONE_TWO, ("[)",)),
        (r"\langle 1, 2 \rangle", "row", ONE_TWO, ("()",)),
        ("x = 1", "chain", (X, ONE), ("=",)),
        (r"x = 1 \approx 2", "chain", (X, ONE, TWO), ("=", r"\approx")),
        (r"x \in 1", "chain", (X, ONE), (r"\in",)),
        ("x = 1, 2", "chain", (X, Answer("x = 1, 2", "list", ONE_TWO, ("comma",))), ("=",)),
        ("1 < x = 2", "relation", (ONE, X, TWO), ("<", "=")),
        ("1:2", "ratio", ONE_TWO, ()),
        ("101_{2}", "based", (), ("101", "2")),
        ("(C)", "choice", (), ("C",)),
        ("(C) 2", "choice", (TWO,), ("C",)),
        (
            "12,345",
            "either",
            (Answer("12345"), Answer("12,345", "list", (Answer("12"), Answer("345")), ("comma",))),
            (),
        ),
        ("1,2", "either", (Answer("1.2"), Answer("1,2", "list", ONE_TWO, ("comma",))), ("list",)),
        (r"1 \pm x", "list", (Answer("1 + x"), Answer("1 - x")), ("comma",)),
        (r"\pm x \mp 1", "list", (Answer("x - 1"), Answer("- x + 1")), ("comma",)),
        (r"\text{no way}", "words", (), ("no", "way")),
        ("Tuesday", "words", (), ("tuesday",)),
        (r"\begin{pmatrix}1&2\end{pmatrix}", "matrix", (Answer("1&2", "row", ONE_TWO),), ()),
        (
            r"\begin{cases}1 & x \\ 2 & 1\end{cases}",
            "cases",
            (Answer("", "branch", (ONE, X)), Answer("", "branch", (TWO, ONE))),
            (),
        ),
    ],
)
def test_structure(latex, kind, parts, marks):
    """Commas bind least, then equals signs, then colons, then brackets."""
    assert read_structure(latex) == Answer(latex, kind, parts, marks)


@pytest.mark.parametrize(
    ("latex", "inside"), [("(1)", ONE), (r"\{x \mid x > 1\}", Answer("x > 1", "relation", (ONE, X), ("<",)))]
)
def test_what_only_holds_an_answer(latex, inside):
    """A bracket around one value, and the set that a rule describes."""
    assert read_structure(latex) == inside


def test_a_system_is_a_list_of_its_rows():
    """Two rows, two values with their names."""
    system = read_structure(r"\begin{cases} x = 1 \\ y = 2 \end{cases}")
    assert system.kind == "list"
    assert [item.latex for item in system.parts] == ["x = 1", "y = 2"]


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
