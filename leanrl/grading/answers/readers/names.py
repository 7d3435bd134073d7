"""Which side of `name = value` only names the value: a letter, f(x), AB, S_1, (p, q), words."""

import re

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.readers.words import is_product
from leanrl.grading.tables.notations import NAME
from leanrl.grading.tables.operators import KINDS_IN_NAMES, NO_LETTER
from leanrl.grading.tables.phrases import DENIAL
from leanrl.grading.text.rules import apply_rules, compiled

_NO_LETTER = re.compile(NO_LETTER)
_VARIABLE = re.compile(r"\\[A-Za-z]+|[A-Za-z]")

_SUBSCRIPT = re.compile(r"_\s?(?:\{[^{}]*\}|\\?[A-Za-z]+|\d)")
_ARGUMENT = re.compile(r"(?<=[A-Za-z'}])\s?(?:\^\s?\{?-1\}?\s?)?[(\[][^()\[\]]*[)\]]")
_KINDS = compiled(KINDS_IN_NAMES)
_NAME = re.compile(NAME, re.DOTALL)
_DENIAL = re.compile(DENIAL)
_WORD = re.compile(r"[A-Za-z]{4,}")
_MAX_ARGUMENTS = 4  # f(g(x)) has two brackets in each other


def is_name(side: Answer) -> bool:
    """Return whether a side only names what is equal to the rest; a formula to solve, 2x, x^2 or x + y, is no name."""
    if side.kind == "words":
        return all(token.isalpha() for token in side.marks) and not _DENIAL.search(" ".join(side.marks))
    if side.kind == "row":
        return all(map(is_name, side.parts))
    text = _SUBSCRIPT.sub("", side.latex)
    for _ in range(_MAX_ARGUMENTS):
        text = _ARGUMENT.sub("", text)
    text = apply_rules(_KINDS, text)
    if _WORD.fullmatch(text):
        return text.isupper() or not is_product(text)
    return _NAME.fullmatch(text) is not None and has_variable(side)


def has_variable(side: Answer) -> bool:
    """Return whether a side has a letter that stands for a number."""
    return bool(letters_of(side))


def letters_of(side: Answer) -> set[str]:
    """Return the letters, Greek ones among them, that stand for a number; e and i are numbers."""
    return set(_VARIABLE.findall(_NO_LETTER.sub("", side.latex))) - {"e", "i"}
