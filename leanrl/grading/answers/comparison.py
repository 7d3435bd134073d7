"""Whether an answer equals a gold answer; runs in a child process only."""

from leanrl.grading.answers.equality import Equality
from leanrl.grading.answers.nodes import Answer, Based, Chain, Choice, Grouped, Items, Modulo, Ratio, Row, Words
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.values.expressions import UnreadableError, are_equal, check_readable, covers, is_rounding
from leanrl.types import Reason

_EQUALITY = Equality(are_equal, is_rounding, covers)


def judge(gold: str, answer: str) -> Reason:
    """Return whether a normalised answer equals a normalised gold answer, or which of them cannot be read."""
    try:
        return "correct" if _EQUALITY.holds(read_structure(gold), read_structure(answer)) else "wrong"
    except UnreadableError as error:
        return "unparseable_gold" if error.latex in gold else "unparseable_answer"


def judge_gold(gold: str) -> Reason:
    """Return `correct` if every part of a normalised gold answer can be read, else `unparseable_gold`."""
    try:
        _check(read_structure(gold))
    except UnreadableError:
        return "unparseable_gold"
    return "correct"


def _check(answer: Answer) -> None:
    match answer:
        case Items() | Row():
            for item in answer.items:
                _check(item)
        case Ratio():
            for term in answer.terms:
                _check(term)
        case Chain():
            for value in answer.sides[1:]:
                _check(value)
        case Modulo():
            _check(answer.value)
        case Choice(value=value):
            if value is not None:
                _check(value)
        case Words() | Based() | Grouped():
            pass
        case _:
            check_readable(answer.latex)
