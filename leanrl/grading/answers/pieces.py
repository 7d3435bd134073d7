r"""Functions that are given piece by piece, by their values: |x| is x for x \ge 0 and -x for x < 0; in a child only."""

from itertools import pairwise, product
from typing import Any, TypeAlias

from sympy import Complement, FiniteSet, Interval, Rational, Reals, Set, Union, true

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.readers.names import letters_of
from leanrl.grading.answers.readers.systems import is_otherwise
from leanrl.grading.answers.spans import numbers_of
from leanrl.grading.values.expressions import are_equal_at

_BETWEEN = [Rational(*part) for part in ((1, 9), (3, 7), (5, 8))]  # of the way from one cut to the next
_BEYOND = [Rational(*step) for step in ((1, 7), (11, 5), (1009, 1))]

Pieces: TypeAlias = list[tuple[Set, str]]  # where each holds, and its value there


def are_same_function(gold: Answer, answer: Answer) -> bool:
    """Return whether two functions of one letter, one of them in pieces, agree at their cuts, between and beyond."""
    conditions = [one.parts[1] for side in (gold, answer) if side.kind == "cases" for one in side.parts]
    letters = {letter for one in conditions if not is_otherwise(one) for letter in letters_of(one)}
    sides = [_pieces(side) for side in (gold, answer)]
    spans = [span for side in sides for where, _ in side for span in Union.make_args(where)]
    if len(letters) != 1 or not all(sides) or not all(isinstance(span, Interval | FiniteSet) for span in spans):
        return False
    cuts = Union(*(span.boundary for span in spans))
    letter = letters.pop().removeprefix("\\")
    points = _points(sorted(cuts))
    return bool(points) and all(_agree_at(sides, letter, point) for point in points)


def _pieces(side: Answer) -> Pieces:
    """Return the pieces of a function; none where a condition says something else than where a number lies."""
    if side.kind != "cases":
        return [(Reals, side.latex)] if side.kind == "expression" else []
    known = [numbers_of(one.parts[1]) for one in side.parts if not is_otherwise(one.parts[1])]
    spans = [span for span in known if span is not None]
    if len(spans) < len(known):
        return []
    rest, named = Complement(Reals, Union(*spans)), iter(spans)
    return [(rest if is_otherwise(one.parts[1]) else next(named), one.value.latex) for one in side.parts]


def _points(cuts: list[Any]) -> list[Any]:
    if not cuts:
        return []
    between = [low + (high - low) * part for low, high in pairwise(cuts) for part in _BETWEEN]
    return [*cuts, *between, *(cuts[0] - step for step in _BEYOND), *(cuts[-1] + step for step in _BEYOND)]


def _agree_at(sides: list[Pieces], letter: str, point: Any) -> bool:
    """Return whether both functions have one value at a point, and the same, or neither has any."""
    golds, answers = ([value for where, value in side if where.contains(point) is true] for side in sides)
    pairs = product(golds, answers)
    return len(golds) == len(answers) and all(are_equal_at(*pair, letter=letter, point=point) for pair in pairs)
