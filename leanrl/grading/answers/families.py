r"""Families of values over whole numbers: \frac{\pi}{4}+k\pi is \frac{5\pi}{4}+k\pi, 2k+1 is 2k-1."""

from collections.abc import Callable

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.pairing import are_paired
from leanrl.grading.text.characters import squeeze

AreShifted = Callable[[str, str, str], bool]


def are_same_family(gold: Answer, answer: Answer, letter: str, are_shifted: AreShifted) -> bool:
    """Return whether two answers are the same progressions over a whole number, whose letter both share.

    Args:
        are_shifted: whether the second of two expressions is the first with another whole number for the letter.
    """
    domains = {mark for side in (gold, answer) if side.kind == "family" for mark in side.marks}
    golds, answers = _progressions(gold), _progressions(answer)
    if not domains <= {"integer"} or golds is None or answers is None or len(golds[1]) != len(answers[1]):
        return False
    if len({name for name, _ in (golds, answers) if name}) > 1:
        return False
    return are_paired(golds[1], answers[1], lambda one, other: are_shifted(one, other, letter))


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
