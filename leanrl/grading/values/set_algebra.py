r"""Sets that are named by letters, A \cup B, as statements about membership; runs in a child process only."""

import re
from typing import Any

from sympy import Symbol
from sympy.parsing.sympy_parser import parse_expr

from leanrl.grading.tables.notations import SET_OPERATORS, SETS_BY_LETTERS
from leanrl.grading.text.rules import apply_rules, compiled

_OPERATORS, _SETS = compiled(SET_OPERATORS), re.compile(SETS_BY_LETTERS)
_MAX_CHARS = 100


def read_set_algebra(latex: str) -> Any:
    """Return what being a member of a set means, by its letters; None if the text is no operation on such sets."""
    text = apply_rules(_OPERATORS, latex)
    if len(text) > _MAX_CHARS or not _SETS.fullmatch(text):
        return None
    try:
        return parse_expr(text, local_dict={letter: Symbol(letter) for letter in text if letter.isupper()})
    except SyntaxError:
        return None
