"""Values in one bracket: a set, a point, an interval."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.lists import with_both_signs
from leanrl.grading.text.brackets import is_one_bracket, split_outside

_COMMA = re.compile(",")


def read_bracket(latex: str, read: Read) -> Answer | None:
    r"""Return the values of one bracket that holds everything: a set, a point, an interval, or a value in brackets."""
    if not is_one_bracket(latex):
        return None
    is_set = latex.startswith(r"\{")
    opening, closing = re.match(r"\\langle|\\\{|\(|\[", latex), re.search(r"(?:\\rangle|\\\}|\)|\])$", latex)
    if opening is None or closing is None:
        return None
    inside = latex[opening.end() : closing.start()]
    pieces = [piece.strip() for piece in split_outside(inside, _COMMA)]
    if len(pieces) == 1 and not is_set:
        return read(inside)
    if not all(pieces):
        return None
    items = tuple(read(piece) for piece in pieces)
    brackets = (opening.group() + closing.group()).replace(r"\langle", "(").replace(r"\rangle", ")")
    if is_set:
        return Answer(latex, "list", with_both_signs(items), ("braces",))
    return Answer(latex, "row", items, (brackets,))
