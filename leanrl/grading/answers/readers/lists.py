r"""Values in no order: between commas, semicolons, "and" and "or", or the two of a term with \pm."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.chains import RELATION, of_each_value
from leanrl.grading.text.brackets import split_outside
from leanrl.grading.text.numbers import is_grouped, spell_as_number

SEMICOLON, COMMA = re.compile(";"), re.compile(",")
_OR, _AND = re.compile(r"\\text\{or\}"), re.compile(r"\\text\{and\}")
_ANY = re.compile(rf",?\s?(?:{_OR.pattern}|{_AND.pattern})|,")
_PLUS_MINUS = re.compile(r"\\(pm|mp)(?![A-Za-z])")
_PART = re.compile(r"(?:^|(?<=[\s,;]))\(?([1-9a-j]|i{1,3}|iv|v)\)(?=\s)")
_LABELS = ("123456789", "abcdefghij", "iiiiiiivv")
_STATEMENTS = ("chain", "relation")


def read_list(latex: str, read: Read) -> Answer | None:
    """Return the values of a list; n = 1, 2, 3 is one name with three values, x \\neq 1, 2 is x \\neq 1, x \\neq 2."""
    pieces, joint = _pieces(latex)
    if len(pieces) < 2:
        return None
    items = tuple(map(read, pieces))
    if is_grouped(latex):
        return Answer(latex, "either", (Answer(latex.replace(",", "")), Answer(latex, "list", items, (joint,))))
    if number := spell_as_number(latex):
        return Answer(latex, "either", (Answer(number), Answer(latex, "list", items, (joint,))), ("list",))
    first, rest = items[0], items[1:]
    is_first_alone = not any(one.kind in _STATEMENTS or RELATION.search(one.latex) for one in rest)
    if (first.kind == "chain" or first.marks == (r"\neq",)) and len(first.parts) == 2 and is_first_alone:
        values = Answer(latex, "list", with_both_signs((first.parts[1], *rest)), (joint,))
        return of_each_value(Answer(latex, first.kind, (first.value, values), first.marks))
    if joint == "comma" and first.kind == "choice" and first.parts and not any(one.kind == "choice" for one in rest):
        return Answer(latex, "choice", (Answer(latex, "list", (first.value, *rest), (joint,)),), first.marks)
    return Answer(latex, "list", with_both_signs(items), (joint,))


def read_parts(latex: str, read: Read) -> Answer | None:
    """Return the answers to the parts of a question, in their order: (a) 3; (b) 4."""
    before, *rest = (piece.strip(" ,;") for piece in _PART.split(latex))
    labels, values = "".join(rest[::2]), rest[1::2]
    if before or len(values) < 2 or not all(values) or not any(order.startswith(labels) for order in _LABELS):
        return None
    return Answer(latex, "row", tuple(map(read, values)), ("()",))


def read_plus_minus(latex: str, read: Read) -> Answer | None:
    r"""Return the two values of a term with \pm; where it stands several times, it has the same sign in each."""
    if not _PLUS_MINUS.search(latex) or len(split_outside(latex, RELATION)) > 1:
        return None
    upper = _PLUS_MINUS.sub(lambda sign: {"pm": "+", "mp": "-"}[sign[1]], latex)
    lower = _PLUS_MINUS.sub(lambda sign: {"pm": "-", "mp": "+"}[sign[1]], latex)
    return Answer(latex, "list", (read(upper.removeprefix("+")), read(lower)), ("comma",))


def with_both_signs(items: tuple[Answer, ...]) -> tuple[Answer, ...]:
    r"""Return the values of a list, those of a term with \pm among them instead of that term."""
    spread = (item.parts if item.kind == "list" and _PLUS_MINUS.search(item.latex) else (item,) for item in items)
    return tuple(value for values in spread for value in values)


def _pieces(latex: str) -> tuple[list[str], str]:
    """Return the parts of a list and what joins them; what binds least splits alone where the other stands in parts.

    1, 2, or 3 has three parts joined by "or"; x = 1, y = 2 or x = 3, y = 4 has two.
    """
    if len(pieces := _split(latex, SEMICOLON)) > 1:
        return pieces, "comma"
    alternatives = _split(latex, _OR)
    if len(alternatives) > 1 and all(len(_split(part, _ANY)) > 1 for part in alternatives):
        return alternatives, "or"
    joint = "and" if len(_split(latex, _AND)) > 1 else "comma"
    return _split(latex, _ANY), "or" if len(alternatives) > 1 else joint


def _split(latex: str, separator: re.Pattern[str]) -> list[str]:
    return [piece for piece in split_outside(latex, separator) if piece]
