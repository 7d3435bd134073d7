"""Sides of equals signs, of inequalities, and the terms of a ratio."""

import re

from leanrl.grading.answers.nodes import Answer, Read
from leanrl.grading.answers.readers.names import has_variable, is_name
from leanrl.grading.text.brackets import separators_outside, split_outside

_ORDER = re.compile(r"[<>]|\\(?:le|ge|neq)(?![A-Za-z])")
_NO_ORDER = re.compile(r"\\(?:forall|exists|pmod|bmod|mid)(?![A-Za-z])")
RELATION = re.compile(f"{_ORDER.pattern}|{_NO_ORDER.pattern}")
_SIGN = re.compile(r"(?<![<>!:\\])=|\\(?:approx|in|equiv)(?![A-Za-z])")
_EQUAL, _OTHER_SIGN = re.compile(r"(?<!:)="), re.compile(r"\\(?:approx|in|equiv)(?![A-Za-z])")
_ORDER_OR_EQUAL = re.compile(f"{_ORDER.pattern}|{_EQUAL.pattern}")
_COLON = re.compile(":")
_UPWARDS = {">": "<", r"\ge": r"\le", "=": "="}


def read_chain(latex: str, read: Read) -> Answer | None:
    """Return the sides of equals signs; 5 = x is read as x = 5."""
    texts, signs = sides_of(latex, _SIGN)
    if len(texts) < 2 or not all(texts) or any(len(split_outside(side, RELATION)) > 1 for side in texts):
        return None
    sides = tuple(map(read, texts))
    if len(sides) == 2 and signs == ("=",) and is_name(sides[1]) and not has_variable(sides[0]):
        sides = (sides[1], sides[0])
    return Answer(latex, "chain", sides, signs)


def read_relation(latex: str, read: Read) -> Answer | None:
    """Return the sides of an inequality, or of several in a row, a < b = c too, the smaller ones first."""
    texts, signs = sides_of(latex, _ORDER_OR_EQUAL)
    is_order = not set(signs) <= {"="} and len(split_outside(latex, _OTHER_SIGN)) == 1
    if not (is_order and all(texts)) or _NO_ORDER.search(latex):
        return None
    sides = tuple(map(read, texts))
    if all(sign in _UPWARDS for sign in signs):
        sides, signs = sides[::-1], tuple(_UPWARDS[sign] for sign in reversed(signs))
    return of_each_value(Answer(latex, "relation", sides, signs))


def of_each_value(statement: Answer) -> Answer:
    r"""Return x \neq \pm 5 as x \neq 5 and x \neq -5; any other statement as it is."""
    if statement.marks != (r"\neq",) or statement.parts[1].kind != "list":
        return statement
    name, values = statement.parts
    each = (Answer(rf"{name.latex} \neq {one.latex}", "relation", (name, one), (r"\neq",)) for one in values.parts)
    return Answer(statement.latex, "list", tuple(each), ("and",))


def read_ratio(latex: str, read: Read) -> Answer | None:
    """Return the terms between colons."""
    terms = split_outside(latex, _COLON)
    return Answer(latex, "ratio", tuple(map(read, terms))) if len(terms) > 1 and all(terms) else None


def sides_of(latex: str, separator: re.Pattern[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return the texts between signs that stand in no bracket, and the signs, in order."""
    signs = tuple(sign["separator"] for sign in separators_outside(latex, separator))
    return split_outside(latex, separator), signs
