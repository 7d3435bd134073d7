r"""Sets that are named by letters, A \cup B, as statements about membership; runs in a child process only."""

import ast
import re

from sympy import And, Not, Or, Symbol
from sympy.logic.boolalg import Boolean

from leanrl.grading.tables.notations import SET_OPERATORS, SETS_BY_LETTERS
from leanrl.grading.text.rules import apply_rules, compiled

_OPERATORS, _SETS = compiled(SET_OPERATORS), re.compile(SETS_BY_LETTERS)
_MAX_CHARS = 100


def read_set_algebra(latex: str) -> Boolean | None:
    """Return what being a member of a set means, by its letters; None if the text is no operation on such sets."""
    text = apply_rules(_OPERATORS, latex)
    if len(text) > _MAX_CHARS or not _SETS.fullmatch(text):
        return None
    try:
        return _membership(ast.parse(text.strip(), mode="eval").body)
    except SyntaxError:
        return None


def _membership(node: ast.expr) -> Boolean:
    if isinstance(node, ast.Name):
        return Symbol(node.id)
    if isinstance(node, ast.UnaryOp):
        return Not(_membership(node.operand))
    assert isinstance(node, ast.BinOp)
    join = Or if isinstance(node.op, ast.BitOr) else And
    return join(_membership(node.left), _membership(node.right))
