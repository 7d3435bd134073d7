"""Whether an answer equals a gold answer; runs in a child process only."""

from leanrl.grading.answers.equality import Equality
from leanrl.grading.answers.families import are_same_family
from leanrl.grading.answers.nodes import Answer
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
    """Parse the expressions of an answer; the name before an equals sign is never parsed alone."""
    if answer.kind == "expression":
        check_readable(answer.latex)
    for part in answer.parts[1:] if answer.kind == "chain" else answer.parts:
        _check(part)
