"""Whether an answer equals a gold answer; runs in a child process only."""

from collections.abc import Iterable

from leanrl.grading.answers.equality import Equality
from leanrl.grading.answers.families import are_same_family
from leanrl.grading.answers.nodes import (
    Answer,
    Cases,
    Chain,
    Choice,
    Expression,
    Family,
    Items,
    Matrix,
    Modulo,
    Quantity,
    Ratio,
    Relation,
    Row,
)
from leanrl.grading.answers.readers.parameters import whole_number_of, with_letters_of
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.values.expressions import (
    UnreadableError,
    are_equal,
    are_same_span,
    are_shifted,
    check_readable,
    is_rounding,
)
from leanrl.types import Reason

_EQUALITY = Equality(are_equal, is_rounding, are_same_span)


def judge(gold: str, answer: str) -> Reason:
    """Return whether a normalised answer equals a normalised gold answer, or which of them cannot be read."""
    try:
        answer = with_letters_of(gold, answer)
        trees = read_structure(gold), read_structure(answer)
        letter = whole_number_of(gold)
        is_equal = _EQUALITY.holds(*trees) or (letter is not None and are_same_family(*trees, letter, are_shifted))
        return "correct" if is_equal else "wrong"
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
        case Expression():
            check_readable(answer.latex)
        case Items() | Row():
            _check_all(answer.items)
        case Ratio():
            _check_all(answer.terms)
        case Chain():
            _check_all(answer.sides[1:])
        case Relation():
            _check_all(answer.sides)
        case Matrix():
            _check_all(entry for row in answer.rows for entry in row)
        case Cases():
            _check_all(part for branch in answer.branches for part in branch)
        case Modulo() | Family() | Quantity():
            _check(answer.value)
        case Choice(value=value) if value is not None:
            _check(value)
        case _:  # what is compared without a parser
            pass


def _check_all(answers: Iterable[Answer]) -> None:
    for answer in answers:
        _check(answer)
