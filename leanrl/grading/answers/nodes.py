"""What an answer is made of: a tree of nodes of one type; each keeps the text that it was read from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "expression", "words", "choice", "based", "modulo", "family", "quantity", "list", "either", "row", "matrix",
    "cases", "branch", "ratio", "time", "date", "chain", "relation",
]  # fmt: skip


@dataclass(frozen=True)
class Answer:
    r"""A node: its text, its kind, the answers that it is made of, and the marks that tell it from others of its kind.

    Kind: what it is; its parts; its marks.
    expression: what is left for a parser, as a term or a set operation.
    words: an answer in words; no parts; what is compared of it, as words, numbers, signs and brackets.
    choice: a letter of a multiple choice; the option behind it, if one is given; the letter.
    based: digits in a written base, 101_2; no parts; the digits and the base.
    modulo: a value, or an equation, modulo something; the value; the modulus.
    family: a value with a free parameter; the value; what the parameter runs over, as `integer` or `constant`.
    quantity: a value with its unit; the value; the unit, which is in the table of units.
    list: values in no order; the values; what joins them, as `comma`, `and` or `or`, or `braces` around them.
    either: digits that are one number or a list, 81,256 or 3,14; the number and the list; `list` if a gold answer of
        this form is one for sure: 3.14 is not 3, 14.
    row: values in order, as a point, a tuple or an interval; the values; the brackets around them.
    matrix: entries in rows; the rows. A vector has one row or one column.
    cases: a function given piece by piece; its branches, whose parts are a value and its condition.
    ratio: terms of a proportion, a : b : c; the terms.
    time: a time of day; no parts; its second, and `a` or `p` for a.m. and p.m. where that is written.
    date: a day; no parts; year, which may be empty, month and day.
    chain: what stands between signs like = and \approx; the sides; the signs.
    relation: what stands between <, \le and \neq, the smaller ones first; the sides; the signs.
    """

    latex: str
    kind: Kind = "expression"
    parts: tuple["Answer", ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def value(self) -> "Answer":
        """The first part: of a quantity, a family or a congruence, what stands without its mark."""
        return self.parts[0]


Read: TypeAlias = Callable[[str], Answer]  # reads a part of an answer, one level deeper
