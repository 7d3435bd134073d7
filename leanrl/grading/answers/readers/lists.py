r"""Values in no order: between commas or semicolons, or the two of a term with \pm."""

import re

from leanrl.grading.answers.nodes import Answer, Chain, Expression, Grouped, Items, Read
from leanrl.grading.answers.readers.chains import RELATION
from leanrl.grading.text.brackets import split_outside
from leanrl.grading.text.numbers import THOUSANDS

_SEMICOLON, _COMMA = re.compile(";"), re.compile(",")
_PLUS_MINUS = re.compile(r"\\(pm|mp)(?![A-Za-z])")


def read_list(latex: str, read: Read) -> Answer | None:
    """Return the values between semicolons or commas; n = 1, 2, 3 is one name with three values."""
    for separator in (_SEMICOLON, _COMMA):
        pieces = [piece.strip() for piece in split_outside(latex, separator) if piece.strip()]
        if len(pieces) < 2:
            continue
        items = tuple(read(piece) for piece in pieces)
        if THOUSANDS.fullmatch(latex):
            return Grouped(latex, Expression(latex.replace(",", "")), Items(latex, items))
        first, rest = items[0], items[1:]
        if isinstance(first, Chain) and len(first.sides) == 2 and not any(_is_statement(item) for item in rest):
            values = Items(latex, (first.sides[1], *rest))
            return Chain(latex, (first.sides[0], values), first.signs)
        return Items(latex, with_both_signs(items))
    return None


def read_plus_minus(latex: str, read: Read) -> Answer | None:
    r"""Return the two values of a term with \pm; where it stands several times, it has the same sign in each."""
    if not _PLUS_MINUS.search(latex) or len(split_outside(latex, RELATION)) > 1:
        return None
    upper = _PLUS_MINUS.sub(lambda sign: {"pm": "+", "mp": "-"}[sign[1]], latex)
    lower = _PLUS_MINUS.sub(lambda sign: {"pm": "-", "mp": "+"}[sign[1]], latex)
    return Items(latex, (read(upper.removeprefix("+")), read(lower)))


def with_both_signs(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
    r"""Return the values of a list, those of a term with \pm among them instead of that term."""
    spread: list[Answer] = []
    for item in items:
        spread += item.items if isinstance(item, Items) and _PLUS_MINUS.search(item.latex) else [item]
    return tuple(spread)


def _is_statement(answer: Answer) -> bool:
    return isinstance(answer, Chain) or bool(RELATION.search(answer.latex))
