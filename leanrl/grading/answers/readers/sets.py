"""Sets, points and intervals: values in one bracket, unions, and sets that words or a rule describe."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.lists import COMMA, SEMICOLON, with_both_signs
from leanrl.grading.answers.readers.words import spell
from leanrl.grading.tables import notations, phrases
from leanrl.grading.text.brackets import is_one_bracket, split_outside
from leanrl.grading.text.numbers import read_number
from leanrl.grading.text.rules import apply_rules, compiled

_EMPTY, _VALUES = re.compile(phrases.NO_SOLUTION), compiled(phrases.VALUES_IN_WORDS)
_BUILDER = re.compile(notations.SET_BUILDER, re.DOTALL)
_BRACKET = re.compile(notations.BRACKET, re.DOTALL)
_BAR = re.compile(r"\||\\mid(?![A-Za-z])")
_OPERATION = re.compile(r"\\(?:cup|cap|setminus|mathbb)(?![A-Za-z])")
_WHOLE = re.compile(r"-?\d{1,6}")
_MAX_MEMBERS = 40


def read_set(latex: str, read: Read) -> Answer | None:
    """Return the values of a set that is described, in words or by a rule."""
    words = " ".join(spell(latex))
    if latex in (r"\emptyset", r"\{\}", r"\{ \}") or _EMPTY.fullmatch(words):
        return Answer(latex, "list", (), ("braces",))
    if (value := apply_rules(_VALUES, words)) != words:
        return read(value)
    builder = _BUILDER.fullmatch(latex) if is_one_bracket(latex) else None
    if builder is None or (builder["domain"] or "R") == "R":
        return read(builder["rule"]) if builder else None
    members = _whole_numbers(read(builder["rule"]), builder["letter"])
    return None if members is None else Answer(latex, "list", tuple(map(Answer, map(str, members))), ("braces",))


def read_bracket(latex: str, read: Read) -> Answer | None:
    """Return the values of one bracket that holds everything: a set, a point, an interval, or a value in brackets."""
    bracket = _BRACKET.fullmatch(latex) if is_one_bracket(latex) else None
    if bracket is None:
        return None
    is_set = bracket["opening"] == r"\{"
    pieces = split_outside(bracket["inside"], SEMICOLON if ";" in bracket["inside"] else COMMA)
    brackets = (bracket["opening"] + bracket["closing"]).replace(r"\langle", "(").replace(r"\rangle", ")")
    numbers = split_outside(bracket["inside"], _BAR)
    if brackets == "()" and len(numbers) > 1 and all(map(read_number, numbers)):
        return read(f"({', '.join(numbers)})")  # (3|4)
    if not all(pieces) or (brackets not in ("()", "[]", r"\{\}") and (len(pieces) != 2 or "\\" in brackets)):
        return None  # [5) is none
    if len(pieces) == 1 and not is_set:
        return read(bracket["inside"])
    items = tuple(map(read, pieces))
    if is_set:
        return Answer(latex, "list", with_both_signs(items), ("braces",))
    return Answer(latex, "row", items, (brackets,))


def is_set_operation(latex: str) -> bool:
    """Return whether a text combines sets, or names one."""
    return _OPERATION.search(latex) is not None


def _whole_numbers(rule: Answer, letter: str) -> range | None:
    """Return the whole numbers between the ends of an inequality, None if it has another form or too many."""
    low, name, high = (part.latex for part in rule.parts) if len(rule.parts) == 3 else ("", "", "")
    if name != letter or not (_WHOLE.fullmatch(low) and _WHOLE.fullmatch(high) and set(rule.marks) <= {"<", r"\le"}):
        return None
    members = range(int(low) + (rule.marks[0] == "<"), int(high) + (rule.marks[1] == r"\le"))
    return members if len(members) <= _MAX_MEMBERS else None
