"""What an answer is made of: the nodes of its tree; each keeps the text that it was read from."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias


@dataclass(frozen=True)
class Expression:
    """What is left for a parser: a term, a set operation, a product of matrices."""

    latex: str


@dataclass(frozen=True)
class Words:
    """An answer in words, and what is compared of it: words, numbers, signs and brackets."""

    latex: str
    tokens: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """A letter of a multiple choice, and the option behind it, if one was given."""

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
class Family:
    """A value with a free parameter, k in Z or any constant c."""

    latex: str
    value: "Answer"
    domain: str


@dataclass(frozen=True)
class Items:
    """Values in no order: 1, 2 or {1, 2}; `joint` is what stands between them, or the braces around them."""

    latex: str
    items: tuple["Answer", ...]
    joint: Literal["comma", "and", "or", "braces"] = "comma"


@dataclass(frozen=True)
class Grouped:
    """Digits that may be one number or a list: 81,256 with its thousands set apart, 3,14 with a decimal comma.

    A gold answer with a decimal comma is a list (`is_list_in_gold`): 3.14 is not 3, 14.
    """

    latex: str
    number: Expression
    items: Items
    is_list_in_gold: bool = False


@dataclass(frozen=True)
class Row:
    """Values in order between brackets: a point, a tuple, or an interval."""

    latex: str
    brackets: str
    items: tuple["Answer", ...]


@dataclass(frozen=True)
class Matrix:
    """The entries of a matrix in its rows; a vector has one row or one column."""

    latex: str
    rows: tuple[tuple["Answer", ...], ...]


@dataclass(frozen=True)
class Cases:
    """A function given piece by piece: a value and its condition for each."""

    latex: str
    branches: tuple[tuple["Answer", "Answer"], ...]


@dataclass(frozen=True)
class Ratio:
    """Terms of a proportion, a : b : c."""

    latex: str
    terms: tuple["Answer", ...]


@dataclass(frozen=True)
class Time:
    """A time of day; `half` is am, pm, or nothing where the clock or the question tells."""

    latex: str
    seconds: int
    half: str


@dataclass(frozen=True)
class Date:
    """A day; the year may be left out."""

    latex: str
    year: int | None
    month: int
    day: int


@dataclass(frozen=True)
class Chain:
    r"""The sides of signs like = and \approx; `signs[i]` stands before `sides[i + 1]`."""

    latex: str
    sides: tuple["Answer", ...]
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Quantity:
    """A value with its unit, which is in the table of units."""

    latex: str
    value: "Answer"
    unit: str


@dataclass(frozen=True)
class Relation:
    r"""The sides of <, \le and \neq, the smaller ones first: 5 > x > 1 is read as 1 < x < 5."""

    latex: str
    sides: tuple["Answer", ...]
    signs: tuple[str, ...]


Answer: TypeAlias = (
    Expression
    | Words
    | Choice
    | Based
    | Modulo
    | Family
    | Items
    | Grouped
    | Row
    | Matrix
    | Cases
    | Ratio
    | Time
    | Date
    | Chain
    | Relation
    | Quantity
)

Read: TypeAlias = Callable[[str], Answer]  # reads a part of an answer, one level deeper


def parts_of(answer: Answer) -> Iterator[Answer]:
    """Yield the answers that an answer is made of, in the order in which they are written."""
    for field in fields(answer):
        yield from _nodes(getattr(answer, field.name))


def _nodes(value: object) -> Iterator[Answer]:
    if isinstance(value, Answer):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _nodes(one)


@dataclass(frozen=True)
class Joined:
    """Relations or sets of numbers, joined as in a list: by "and", "or" or a comma."""

    joint: str
    parts: tuple["str | Joined", ...]


Span: TypeAlias = str | Joined  # the numbers that a text, or several, admit
