"""Whether an answer equals a gold answer; runs in a child process only."""

from leanrl.grading.answers.equality import agree, unpaired
from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.readers.parameters import free_letter_of, with_letters_of
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.text.characters import squeeze
from leanrl.grading.text.numbers import read_number
from leanrl.grading.values.expressions import UnreadableError, are_shifted, parse
from leanrl.types import Reason


def judge(gold: str, answer: str) -> Reason:
    """Return whether a normalised answer equals a normalised gold answer, or which of them cannot be read."""
    try:
        tree, letter = read_structure(gold), free_letter_of(gold)
        named = map(read_structure, with_letters_of(gold, answer))
        found = (agree(tree, one) or (letter and _are_same_family(tree, one, letter)) for one in named)
        return "correct" if any(found) else "wrong"
    except UnreadableError as error:
        return "unparseable_gold" if str(error) in gold else "unparseable_answer"


def judge_gold(gold: str) -> Reason:
    """Return `correct` if every part of a normalised gold answer can be read, else `unparseable_gold`."""
    try:
        _check(read_structure(gold))
    except UnreadableError:
        return "unparseable_gold"
    return "correct"


def _check(answer: Answer) -> None:
    """Parse the expressions of an answer; the name before an equals sign is never parsed alone."""
    if answer.kind == "expression" and read_number(answer.latex) is None:
        parse(answer.latex)
    for part in answer.parts[1:] if answer.kind == "chain" else answer.parts:
        _check(part)


def _are_same_family(gold: Answer, answer: Answer, letter: str) -> bool:
    r"""Return whether two answers are the same progressions over a whole number, whose letter both share.

    \frac{\pi}{4}+k\pi is \frac{5\pi}{4}+k\pi, 2k+1 is 2k-1, x+1+C is x+C.
    """
    domains = {mark for side in (gold, answer) if side.kind == "family" for mark in side.marks}
    golds, answers = _progressions(gold), _progressions(answer)
    if not domains <= {"integer"} or golds is None or answers is None or len(golds[1]) != len(answers[1]):
        return False
    if len({name for name, _ in (golds, answers) if name}) > 1:
        return False
    return next(unpaired(golds[1], answers[1], lambda one, other: are_shifted(one, other, letter)), None) is None


def _progressions(answer: Answer) -> tuple[str, list[str]] | None:
    """Return the name and the expressions of a family; None where the values of several names belong together."""
    if answer.kind == "family":
        return _progressions(answer.value)
    if answer.kind == "expression":
        return "", [answer.latex]
    parts = [_progressions(part) for part in answer.parts]
    if answer.kind == "chain" and answer.marks == ("=",):
        return None if parts[1] is None or parts[1][0] else (squeeze(answer.parts[0].latex), parts[1][1])
    known = [part for part in parts if part is not None]
    names = {name for name, _ in known}
    if answer.kind == "list" and len(known) == len(parts) and len(names) == 1:
        return names.pop(), [one for _, each in known for one in each]
    return None
