r"""Families of values over whole numbers: \frac{\pi}{4}+k\pi is \frac{5\pi}{4}+k\pi, 2k+1 is 2k-1."""

from collections.abc import Callable

from leanrl.grading.answers.nodes import Answer, Chain, Expression, Family, Items
from leanrl.grading.text.characters import squeeze

AreShifted = Callable[[str, str, str], bool]


def are_same_family(gold: Answer, answer: Answer, letter: str, are_shifted: AreShifted) -> bool:
    """Return whether two answers are the same progressions over a whole number, whose letter both share.

    Args:
        are_shifted: whether the second of two expressions is the first with another whole number for the letter.
    """
    domains = {side.domain for side in (gold, answer) if isinstance(side, Family)}
    golds, answers = _progressions(gold), _progressions(answer)
    if not domains <= {"integer"} or golds is None or answers is None or len(golds[1]) != len(answers[1]):
        return False
    if len({name for name, _ in (golds, answers) if name}) > 1:
        return False
    left = list(answers[1])
    for one in golds[1]:
        found = next((other for other in left if are_shifted(one, other, letter)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _progressions(answer: Answer) -> tuple[str, list[str]] | None:
    """Return the name and the expressions of a family; None where the values of several names belong together."""
    match answer:
        case Family():
            return _progressions(answer.value)
        case Expression():
            return "", [answer.latex]
        case Chain(sides=(name, value), signs=("=",)):
            inside = _progressions(value)
            return None if inside is None or inside[0] else (squeeze(name.latex), inside[1])
        case Items(items=items) if items:
            parts = [_progressions(item) for item in items]
            known = [part for part in parts if part is not None]
            names = {name for name, _ in known}
            if len(known) == len(parts) and len(names) == 1:
                return names.pop(), [one for _, each in known for one in each]
    return None
