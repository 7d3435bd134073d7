"""Sets, points and intervals: values in one bracket, unions, and sets that words or a rule describe."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.lists import COMMA, SEMICOLON, with_both_signs
from leanrl.grading.answers.readers.words import spell
from leanrl.grading.tables import notations, phrases
from leanrl.grading.text.brackets import is_one_bracket, split_outside
from leanrl.grading.text.rules import apply_rules, compiled

_EMPTY, _VALUES = re.compile(phrases.NO_SOLUTION), compiled(phrases.VALUES_IN_WORDS)
_BUILDER = re.compile(notations.SET_BUILDER, re.DOTALL)
_BRACKET = re.compile(notations.BRACKET, re.DOTALL)
_OPERATION = re.compile(r"\\(?:cup|cap|setminus|mathbb)(?![A-Za-z])")
_CUP = re.compile(r"\\cup(?![A-Za-z])")
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
    if len(pieces) == 1 and not is_set:
        return read(bracket["inside"])
    if not all(pieces):
        return None
    items = tuple(map(read, pieces))
    if is_set:
        return Answer(latex, "list", with_both_signs(items), ("braces",))
    brackets = bracket["opening"] + bracket["closing"]
    return Answer(latex, "row", items, (brackets.replace(r"\langle", "(").replace(r"\rangle", ")"),))


def read_union(latex: str, read: Read) -> Answer | None:
    """Return the values of a union of finite sets as those of one set."""
    pieces = split_outside(latex, _CUP)
    if len(pieces) < 2 or not all(piece.startswith(r"\{") for piece in pieces):
        return None
    sets = [read(piece) for piece in pieces]
    if not all(one.kind == "list" and one.marks == ("braces",) for one in sets):
        return None
    return Answer(latex, "list", tuple(item for one in sets for item in one.parts), ("braces",))


def is_set_operation(latex: str) -> bool:
    """Return whether a text combines sets, or names one."""
    return _OPERATION.search(latex) is not None


def _whole_numbers(rule: Answer, letter: str) -> range | None:
    """Return the whole numbers between the ends of an inequality, None if it has another form or too many."""
    if rule.kind != "relation" or len(rule.parts) != 3 or rule.parts[1].latex != letter:
        return None
    low, high = rule.parts[0].latex, rule.parts[2].latex
    if not (_WHOLE.fullmatch(low) and _WHOLE.fullmatch(high) and r"\neq" not in rule.marks):
        return None
    members = range(int(low) + (rule.marks[0] == "<"), int(high) + (rule.marks[1] == r"\le"))
    return members if len(members) <= _MAX_MEMBERS else None
