r"""Values in no order: between commas, semicolons, "and" and "or", or the two of a term with \pm."""

import re
from typing import Literal

from leanrl.grading.answers.nodes import Answer, Chain, Choice, Expression, Grouped, Items, Read, Relation
from leanrl.grading.answers.readers.chains import RELATION
from leanrl.grading.text.brackets import split_outside
from leanrl.grading.text.numbers import THOUSANDS, spell_as_number

_SEMICOLON, _COMMA = re.compile(";"), re.compile(",")
_OR, _AND = re.compile(r"\\text\{or\}"), re.compile(r"\\text\{and\}")
_ANY = re.compile(rf",?\s?(?:{_OR.pattern}|{_AND.pattern})|,")
_PLUS_MINUS = re.compile(r"\\(pm|mp)(?![A-Za-z])")


def read_list(latex: str, read: Read) -> Answer | None:
    """Return the values of a list; n = 1, 2, 3 is one name with three values, x \\neq 1, 2 is x \\neq 1, x \\neq 2."""
    pieces, joint = _pieces(latex)
    if len(pieces) < 2:
        return None
    items = tuple(read(piece) for piece in pieces)
    if THOUSANDS.fullmatch(latex):
        return Grouped(latex, Expression(latex.replace(",", "")), Items(latex, items))
    if number := spell_as_number(latex):
        return Grouped(latex, Expression(number), Items(latex, items, joint), is_list_in_gold=True)
    first, rest = items[0], items[1:]
    if isinstance(first, Chain | Relation) and len(first.sides) == 2 and not any(map(_is_statement, rest)):
        if isinstance(first, Chain):
            return Chain(latex, (first.sides[0], Items(latex, (first.sides[1], *rest), joint)), first.signs)
        if first.signs == (r"\neq",):
            others = with_both_signs(tuple(read(rf"{first.sides[0].latex} \neq {value.latex}") for value in rest))
            return Items(latex, (first, *others), "and")
    if joint == "comma" and isinstance(first, Choice) and first.value and not any(map(_is_choice, rest)):
        return Choice(latex, first.letter, Items(latex, (first.value, *rest), joint))
    return Items(latex, with_both_signs(items), joint)


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


def _pieces(latex: str) -> tuple[list[str], Literal["comma", "and", "or"]]:
    """Return the parts of a list and what joins them; what binds least splits alone where the other stands in parts.

    1, 2, or 3 has three parts joined by "or"; x = 1, y = 2 or x = 3, y = 4 has two.
    """
    if len(pieces := _split(latex, _SEMICOLON)) > 1:
        return pieces, "comma"
    alternatives = _split(latex, _OR)
    if len(alternatives) > 1 and all(len(_split(part, _ANY)) > 1 for part in alternatives):
        return alternatives, "or"
    joint: Literal["comma", "and"] = "and" if len(_split(latex, _AND)) > 1 else "comma"
    return _split(latex, _ANY), "or" if len(alternatives) > 1 else joint


def _split(latex: str, separator: re.Pattern[str]) -> list[str]:
    return [piece.strip() for piece in split_outside(latex, separator) if piece.strip()]


def _is_choice(answer: Answer) -> bool:
    return isinstance(answer, Choice)


def _is_statement(answer: Answer) -> bool:
    return isinstance(answer, Chain | Relation) or bool(RELATION.search(answer.latex))
