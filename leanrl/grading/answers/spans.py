"""Which real numbers an answer admits: x < 1, x = 2 or x > 3, [0, 1]; runs in a child process only."""

from collections.abc import Iterable

from sympy import Intersection, Set, Union
from sympy.logic.boolalg import Boolean

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.readers.names import is_name, letters_of
from leanrl.grading.answers.readers.sets import is_set_operation
from leanrl.grading.values.expressions import parse


def numbers_of(answer: Answer) -> Set | None:
    """Return the numbers that an answer about one name admits; None for another answer, or where sympy finds none."""
    return _numbers(answer) if len(letters_of(answer)) <= 1 else None


def joined(joint: str, spans: Iterable[Set | None]) -> Set | None:
    """Return the numbers of several spans together, None if one of them is none.

    A comma stands for "and" as long as that leaves a number, else for "or": x > 1, x < 2 and x < 1, x > 2.
    """
    known = []
    for span in spans:
        if span is None:
            return None
        known.append(span)
    both = Intersection(*known)
    return Union(*known) if joint == "or" or (joint == "comma" and both.is_empty) else both


def _numbers(answer: Answer) -> Set | None:
    match answer:
        case Answer(kind="chain", parts=(name, value), marks=("=" | r"\in",)) if is_name(name):
            is_interval = value.kind == "row" or is_set_operation(value.latex)
            return _parsed(value.latex if is_interval else rf"\{{{value.latex}\}}")
        case Answer(kind="list", marks=("braces",)):
            return _parsed(answer.latex if answer.parts else r"\emptyset")
        case Answer(kind="list", marks=(joint,)):
            return joined(joint, map(_numbers, answer.parts))
        case Answer(kind="relation") | Answer(kind="row", parts=(_, _)):
            return _parsed(answer.latex)
    return _parsed(answer.latex) if answer.kind == "expression" and is_set_operation(answer.latex) else None


def _parsed(latex: str) -> Set | None:
    """Return the real numbers of a relation or a set, None if a text is neither."""
    parsed = parse(latex)
    if isinstance(parsed, Set):
        return parsed.doit()  # the parser nests unions
    if isinstance(parsed, Boolean) and len(parsed.free_symbols) == 1:
        try:
            return parsed.as_set()
        # sympy raises any of these where it finds no set in closed form (a transcendental relation, one over complex
        # numbers). Without a set the answers count as different: a right one may be lost, a wrong one never passes.
        except (NotImplementedError, ArithmeticError, TypeError, ValueError, AttributeError):
            return None
    return None
