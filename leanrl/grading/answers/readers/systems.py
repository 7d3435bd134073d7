"""Environments with rows: systems of equations, functions given piece by piece, matrices."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.lists import COMMA
from leanrl.grading.answers.readers.names import is_name
from leanrl.grading.tables import notations
from leanrl.grading.text.brackets import separators_outside, split_outside

_ENVIRONMENT = re.compile(notations.ENVIRONMENT, re.DOTALL)
_TRANSPOSED = re.compile(notations.TRANSPOSED, re.DOTALL)
_CONDITION = re.compile(notations.CONDITION)
_OTHERWISE = re.compile(notations.OTHERWISE)
_BRANCH = re.compile(notations.BRANCH, re.DOTALL)
_REST = re.compile(notations.REST)
_BRANCH_END = re.compile(rf"[,;]|\\text\{{and\}}|{notations.REST}")
_NESTED = re.compile(r"\\(?:begin|end)\s?\{")
_ROW_END = re.compile(r"\\\\(?:\s?\[[^\[\]]{1,8}\])?")
_COLUMN = re.compile(r"(?<!\\)&")


def read_system(latex: str, read: Read) -> Answer | None:
    """Return what the rows of an environment are: equations, branches with conditions, or entries."""
    if transposed := _TRANSPOSED.fullmatch(latex):
        return _column(latex, transposed["row"], read)
    environment = _ENVIRONMENT.fullmatch(latex)
    if environment is None or _NESTED.search(environment["rows"]):
        return None
    name, rows = environment["name"], [row.strip(" ,;") for row in _ROW_END.split(environment["rows"])]
    rows = [row for row in rows if row]
    if name.endswith("matrix"):
        return _matrix(latex, [_COLUMN.split(row) for row in rows], read)
    if not any(_COLUMN.search(row) for row in rows):
        return read(rows[0]) if len(rows) == 1 else Answer(latex, "list", tuple(read(row) for row in rows), ("and",))
    cells = [_COLUMN.split(row) for row in rows]
    if (name == "array" and not latex.startswith(r"\{")) or any(len(row) != 2 for row in cells):
        return None
    branches = ((read(value.strip(" ,")), _condition(condition, read)) for value, condition in cells)
    return Answer(latex, "cases", tuple(Answer("", "branch", branch) for branch in branches))


def read_branches(latex: str, read: Read) -> Answer | None:
    r"""Return a function given piece by piece on one line, f(x) = x if x \ge 0 else -x."""
    if not _BRANCH.fullmatch(latex):
        return None
    has_rest = any(_REST.fullmatch(end["separator"]) for end in separators_outside(latex, _BRANCH_END))
    found = [(piece, _BRANCH.fullmatch(piece)) for piece in split_outside(latex, _BRANCH_END) if piece]
    if len(found) < 2 or sum(branch is None for _, branch in found) != has_rest:
        return None
    pairs = [(branch["value"], branch["condition"]) if branch else (piece, "otherwise") for piece, branch in found]
    branches = [(read(value), _condition(condition, read)) for value, condition in pairs]
    first, condition = branches[0]
    is_named = first.kind == "chain" and first.marks == ("=",) and is_name(first.value)
    if is_named:
        branches[0] = first.parts[1], condition
    cases = Answer(latex, "cases", tuple(Answer("", "branch", branch) for branch in branches))
    return Answer(latex, "chain", (first.value, cases), ("=",)) if is_named else cases


def is_otherwise(condition: Answer) -> bool:
    """Return whether a condition stands for all that the others leave."""
    return _OTHERWISE.fullmatch(condition.latex) is not None


def _condition(text: str, read: Read) -> Answer:
    if _OTHERWISE.fullmatch(text.strip()):
        return Answer("otherwise", "words", (), ("otherwise",))
    head = _CONDITION.match(text)
    rest = text[head.end() :] if head else text
    return read(rest if head is None or head.group().rstrip().endswith("}") else rf"\text{{{rest}")


def _column(latex: str, row: str, read: Read) -> Answer | None:
    entries = split_outside(row[1:-1], COMMA)
    return _matrix(latex, [[entry] for entry in entries], read) if len(entries) > 1 and all(entries) else None


def _matrix(latex: str, rows: list[list[str]], read: Read) -> Answer:
    return Answer(latex, "matrix", tuple(Answer("&".join(row), "row", tuple(map(read, row))) for row in rows))
