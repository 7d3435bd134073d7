"""What an answer is made of: the nodes of its tree; each keeps the text that it was read from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Expression:
    """What is left for a parser: a term, a relation, a set operation, a matrix."""

    latex: str


@dataclass(frozen=True)
class Words:
    """An answer in words; their spelling is all there is to compare."""

    latex: str
    spelling: str


@dataclass(frozen=True)
class Choice:
    """A letter of a multiple choice in its parentheses, and the value behind it, if one was given."""

    latex: str
    letter: str
    value: "Answer | None"


@dataclass(frozen=True)
class Based:
    """Digits in a written base: 101_2."""

    latex: str
    digits: str
    base: str


@dataclass(frozen=True)
class Modulo:
    """A value, or an equation, modulo something."""

    latex: str
    value: "Answer"
    modulus: str


@dataclass(frozen=True)
class Items:
    """Values in no order: 1, 2 or {1, 2}."""

    latex: str
    items: tuple["Answer", ...]


@dataclass(frozen=True)
class Grouped:
    """Digits that may be one number, its thousands set apart, or a list: 81,256."""

    latex: str
    number: Expression
    items: Items


@dataclass(frozen=True)
class Row:
    """Values in order between brackets: a point, a tuple, or an interval."""

    latex: str
    brackets: str
    items: tuple["Answer", ...]


@dataclass(frozen=True)
class Ratio:
    """Terms of a proportion, a : b : c, or a time of day."""

    latex: str
    terms: tuple["Answer", ...]


@dataclass(frozen=True)
class Chain:
    r"""The sides of signs like = and \approx; `signs[i]` stands before `sides[i + 1]`."""

    latex: str
    sides: tuple["Answer", ...]
    signs: tuple[str, ...]


Answer: TypeAlias = Expression | Words | Choice | Based | Modulo | Items | Grouped | Row | Ratio | Chain

Read: TypeAlias = Callable[[str], Answer]  # reads a part of an answer, one level deeper
