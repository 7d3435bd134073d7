"""Whether an answer is the gold answer, tree against tree; runs in a child process only."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from leanrl.grading.answers.nodes import Answer, Kind
from leanrl.grading.answers.pieces import are_same_function
from leanrl.grading.answers.quantities import pairs_of_values
from leanrl.grading.answers.readers.choices import letter_of, letters_chosen, option_of
from leanrl.grading.answers.readers.moments import same_moment
from leanrl.grading.answers.readers.names import has_variable, is_name, letters_of
from leanrl.grading.answers.readers.numerals import digits_and_base, residue_class
from leanrl.grading.answers.readers.sets import is_set_operation, read_bracket
from leanrl.grading.answers.readers.vectors import read_components
from leanrl.grading.answers.readers.words import spell
from leanrl.grading.answers.spans import numbers_of
from leanrl.grading.answers.statements import has_relation, is_solved, links_of, values_by_name
from leanrl.grading.tables.spellings import NAMELESS
from leanrl.grading.text.characters import squeeze
from leanrl.grading.units.quantities import read_doubtful, value_beside_a_number
from leanrl.grading.values.expressions import are_equal, is_rounding

T = TypeVar("T")
CompareTrees = Callable[[Answer, Answer], bool]

_LABEL = re.compile(r"[A-Z]'?(?:_\{?\d\}?)?(?=\()")  # of a point, P(3, 4)
_FUNCTION = re.compile(r"[a-z]\(x\)")
_UNIT = re.compile(r"\\unit\{(?!°)|\\%")  # degrees are numbers
_MAX_UNORDERED = 40  # longer lists are compared in the order they are written: every pair would be too many


def agree(gold: Answer, answer: Answer) -> bool:
    """Return whether the answer is what the gold answer asks for; which is which matters."""
    if squeeze(gold.latex) == squeeze(answer.latex):
        return True
    if NAMELESS in (gold.latex, answer.latex):
        return is_name(gold) and is_name(answer)
    if gold.marks == ("braces",) and _adds_unit(gold, answer):
        return False
    if gold.kind == "either":
        number, values = gold.parts
        return any(agree(reading, answer) for reading in ([values] if gold.marks else [number, values]))
    if answer.kind == "either":
        return any(agree(gold, reading) for reading in answer.parts)
    if _are_same_choices(gold, answer):
        return True
    if points := _as_points(gold, answer):
        return agree(*points)
    for kind, compare in _RULES.items():
        if kind in (gold.kind, answer.kind):
            return compare(gold, answer)
    if not has_variable(gold) and (value := value_beside_a_number(answer.latex)):
        return agree(gold, Answer(value))
    return are_equal(gold.latex, answer.latex)


def _adds_unit(gold: Answer, answer: Answer) -> bool:
    """Return whether an answer has a unit where a set has plain values."""
    may_be_doubtful = not has_variable(gold) and any(read_doubtful(value.latex) for value in answer.parts)
    return not _UNIT.search(gold.latex) and (may_be_doubtful or bool(_UNIT.search(answer.latex)))


def _marked(gold: Answer, answer: Answer) -> bool:
    """Compare values with a domain or a modulus, which may be left to the question, not contradicted."""
    if gold.kind == answer.kind:
        return gold.marks == answer.marks and agree(gold.value, answer.value)
    kind = "family" if "family" in (gold.kind, answer.kind) else "modulo"
    return agree(*(side.value if side.kind == kind else side for side in (gold, answer)))


def _congruences(gold: Answer, answer: Answer) -> bool:
    r"""Compare residue classes; a residue that is left to be taken, 5 \pmod 3, is not the number 5."""
    classes = residue_class(gold), residue_class(answer)
    if None not in classes:
        return classes[0] == classes[1]
    is_taken = answer.kind != "modulo" or not classes[1] or agree(answer.value, Answer(str(classes[1][0])))
    return is_taken and _marked(gold, answer)


def _choices(gold: Answer, answer: Answer) -> bool:
    """Compare the letters where both have one, and the options where both have one."""
    letters, options = (letter_of(gold), letter_of(answer)), (option_of(gold), option_of(answer))
    if all(letters) and letters[0] != letters[1]:
        return False
    if options[0] is None or options[1] is None:
        return all(letters)
    return agree(options[0], options[1])


def _chains(gold: Answer, answer: Answer) -> bool:
    """Compare where one side at least has an equals sign."""
    if gold.kind != "chain":
        return _values_agree(gold, answer)
    values = _values_of(gold)
    if answer.kind != "chain":
        return any(agree(value, answer) for value in values)
    names = squeeze(gold.value.latex), squeeze(answer.value.latex)
    has_same_name = len(set(names) - {NAMELESS}) < 2 or ("y" in names and _FUNCTION.search(" ".join(names)))
    if values == gold.parts or (values and has_same_name):
        return any(_values_agree(value, answer) for value in values)
    if gold.marks != answer.marks or set(gold.marks) != {"="}:
        return False
    if len(gold.marks) > 1:
        return _in_any_order(gold.parts, answer.parts)
    return (is_solved(answer) or not is_solved(gold)) and are_equal(gold.latex, answer.latex)


def _values_agree(gold: Answer, answer: Answer) -> bool:
    r"""Compare the sides of `x = a = b` with a gold value: all must equal it, or x = 1 = 2 would hold two answers.

    What stands behind \approx is no further answer; but if it rounds what stands before, it may be the one asked.
    """
    parts: list[list[Answer]] = [[] if is_name(answer.parts[0]) else [answer.parts[0]]]
    for sign, side in zip(answer.marks, answer.parts[1:], strict=True):
        if sign == r"\approx":
            parts.append([])
        parts[-1].append(side)
    exact, rounded = parts[0], parts[-1]
    if exact and all(agree(gold, side) for side in exact):
        return True
    if len(parts) == 1 or not all(agree(gold, side) for side in rounded):
        return False
    return not exact or is_rounding(exact[0].latex, rounded[0].latex)


def _cases(gold: Answer, answer: Answer) -> bool:
    """Pair the branches by value and condition, else compare what the functions are worth."""
    if gold.kind == answer.kind and len(gold.parts) == len(answer.parts):
        pairs = unpaired(gold.parts, list(answer.parts), lambda one, other: _in_order(one.parts, other.parts))
        if next(pairs, None) is None:
            return True
    return are_same_function(gold, answer)


def _lists(gold: Answer, answer: Answer) -> bool:
    """Compare where one side at least is a list or a set."""
    if has_relation(gold) or has_relation(answer):
        return _relations(gold, answer)
    if "row" in (gold.kind, answer.kind):
        return _row_and_list(gold, answer)
    if any(side.kind == "expression" and is_set_operation(side.latex) for side in (gold, answer)):
        return are_equal(gold.latex, answer.latex)
    golds, answers = _distinct(gold), _distinct(answer)
    if len(golds) != len(answers):
        return False
    if len(golds) > _MAX_UNORDERED:
        return _in_order(golds, answers)
    return _may_be_joined_alike(gold, answer) and _in_any_order(golds, answers)


def _links(answer: Answer) -> list[Answer]:
    """Return the relations that hold together, each between two sides: a < b and b < c of a < b < c."""
    relations = _distinct(answer)
    if _joint(answer) == "or":
        return relations
    return list({squeeze(link.latex): link for relation in relations for link in links_of(relation)}.values())


def _as_points(gold: Answer, answer: Answer) -> tuple[Answer, Answer] | None:
    """Return both sides as points where one names its values: x = 1, y = 2 is (1, 2), whichever is written first."""
    named, other = values_by_name(gold), values_by_name(answer)
    if named and other:
        return (_point(named), _point({name: other[name] for name in named})) if named.keys() == other.keys() else None
    if named and answer.kind == "list":  # in the order of the alphabet, or as the gold answer is written
        points = Answer(gold.latex, "either", (_point(named), replace(_point(named), parts=tuple(named.values()))))
        return points, replace(answer, marks=("comma",)) if answer.marks == ("and",) else answer
    if named and answer.kind == "row":
        return _point(named), answer
    return (gold, _point(other)) if other and gold.kind == "row" else None


def _point(values: dict[str, Answer]) -> Answer:
    names = sorted(values) if all(len(name) == 1 for name in values) else values
    parts = tuple(values[name] for name in names)
    return Answer(f"({', '.join(part.latex for part in parts)})", "row", parts, ("()",))


def _row_and_list(gold: Answer, answer: Answer) -> bool:
    """Compare a point with the values of a list in its order, with or without their names; a set is no point."""
    row, values = (gold, answer) if gold.kind == "row" else (answer, gold)
    if len(values.parts) == 1:
        return agree(*(values.value if side is values else side for side in (gold, answer)))
    have_names = all(item.kind == "chain" for item in values.parts)
    if _joint(values) in ("braces", "or") or (_joint(values) == "and" and not have_names):
        return False
    is_point = row.marks == ("()",) or len(row.parts) > 2
    return is_point and _in_order(_distinct(gold), _distinct(answer))


def _relations(gold: Answer, answer: Answer) -> bool:
    """Compare side by side, else by numbers; a solved gold asks for a solved answer, a < b < c for no parser."""
    golds, answers = _links(gold), _links(answer)
    if len(golds) == len(answers) == 1:
        compare = _in_any_order if gold.marks == (r"\neq",) else _in_order
        are_alike = gold.kind == answer.kind and gold.marks == answer.marks and compare(gold.parts, answer.parts)
    else:
        are_alike = len(golds) == len(answers) and _in_any_order(golds, answers)
    if are_alike and _joint(gold) == _joint(answer):
        return True
    if is_solved(gold) and not is_solved(answer):
        return False
    admitted = numbers_of(gold), numbers_of(answer)
    if None not in admitted and admitted[0] == admitted[1]:
        return len((letters_of(gold) | letters_of(answer)) - {NAMELESS}) < 2
    if any(side.kind == "list" or sum(map(has_variable, side.parts)) > 1 < len(side.marks) for side in (gold, answer)):
        return None in admitted and are_alike and "or" not in (_joint(gold), _joint(answer))
    return are_equal(gold.latex, answer.latex)


def _vectors(gold: Answer, answer: Answer) -> bool:
    """Compare points, vectors and matrices entry by entry; what may be two intervals must have the same brackets."""
    rows, other_rows = _entries(gold, answer), _entries(answer, gold)
    if rows is None or other_rows is None:
        return are_equal(gold.latex, answer.latex)
    brackets = {side.marks if side.kind == "row" else ("()",) for side in (gold, answer)}
    if len(rows) == 2 and len(brackets) > 1 and "matrix" not in (gold.kind, answer.kind):
        return False
    return len(rows) == len(other_rows) and all(map(_in_order, rows, other_rows))


def _entries(side: Answer, other: Answer) -> list[tuple[Answer, ...]] | None:
    """Return the rows of a matrix, or those of a point or a sum of i, j and k in the shape of the other side's."""
    if side.kind == "matrix" or (other.kind == "matrix" and all(item.kind == "row" for item in side.parts or [side])):
        return [row.parts for row in side.parts]
    point = side
    if _LABEL.match(side.latex):
        point = read_bracket(_LABEL.sub("", side.latex, count=1), Answer) or side
    is_flat = other.kind == "matrix" and len(other.parts) == 1
    coordinates = point.parts if point.kind == "row" else read_components(side.latex, _num_axes(other))
    if coordinates is None:
        return None
    return [coordinates] if is_flat else [(one,) for one in coordinates]


def _num_axes(answer: Answer) -> int:
    """Return the number of coordinates of a point or a vector; 0 for a matrix."""
    lengths = {len(row.parts) for row in answer.parts} if answer.kind == "matrix" else {1}
    return max(lengths) if len(answer.parts) == 1 else len(answer.parts) * (lengths == {1})


def _ratios(gold: Answer, answer: Answer) -> bool:
    """Compare ratios up to a factor; a ratio of two terms is a quotient."""
    if gold.kind != answer.kind:
        return are_equal(_quotient(gold), _quotient(answer))
    if len(gold.parts) != len(answer.parts):
        return False
    first, other_first = gold.value.latex, answer.value.latex
    return _in_order(gold.parts, answer.parts) or all(
        are_equal(rf"({term.latex})\cdot({other_first})", rf"({other.latex})\cdot({first})")
        for term, other in zip(gold.parts[1:], answer.parts[1:], strict=True)
    )


def _in_order(golds: Sequence[Answer], answers: Sequence[Answer]) -> bool:
    return len(golds) == len(answers) and all(map(agree, golds, answers))


def _in_any_order(golds: Sequence[Answer], answers: Sequence[Answer]) -> bool:
    """Pair each gold value with an answer that equals it; what is written alike is paired first."""
    left = {squeeze(answer.latex): answer for answer in answers}
    missing = [gold for gold in golds if left.pop(squeeze(gold.latex), None) is None]
    return next(unpaired(missing, list(left.values()), agree), None) is None


def unpaired(golds: Sequence[T], left: list[T], are_same: Callable[[T, T], bool]) -> Iterator[T]:
    """Yield the gold values that equal no answer; an answer that one equals is removed from `left`."""
    for gold in golds:
        place = next((place for place, answer in enumerate(left) if are_same(gold, answer)), None)
        if place is None:
            yield gold
        else:
            del left[place]


def _are_same_choices(gold: Answer, answer: Answer) -> bool:
    """Return whether one side is a list of letters and the other their run; a gold run of two may be a segment."""
    if (gold.kind == "list") is (answer.kind == "list"):
        return False
    letters = letters_chosen(gold)
    return len(letters) > (1 if gold.kind == "list" else 2) and letters == letters_chosen(answer)


def _values_of(gold: Answer) -> tuple[Answer, ...]:
    """Return the sides that alone are an answer: those behind a name, all of a chain of values (0.56 = 56 %)."""
    if not any(map(has_variable, gold.parts)):
        return gold.parts
    return gold.parts[1:] if is_name(gold.parts[0]) else ()


def _distinct(answer: Answer) -> list[Answer]:
    """Return the values of a list without repetitions, of a row as they stand; anything else is one value."""
    if answer.kind == "list":
        return list({squeeze(item.latex): item for item in answer.parts}.values())
    return list(answer.parts) if answer.kind == "row" else [answer]


def _joint(answer: Answer) -> str:
    return answer.marks[0] if answer.kind == "list" else ""


def _may_be_joined_alike(gold: Answer, answer: Answer) -> bool:
    """Return whether two lists agree on "or": x = 1 or y = 2 is not x = 1, y = 2; nor A or B; but 1 or 2 is 1, 2."""
    if ("or" in (_joint(gold), _joint(answer))) is (_joint(gold) == _joint(answer) == "or"):
        return True
    items = _distinct(gold) + _distinct(answer)
    names = {squeeze(item.value.latex) for item in items if item.kind == "chain"}
    return len(names) <= 1 and not all(letter_of(item) or item.kind == "words" for item in items)


def _quotient(answer: Answer) -> str:
    """Return the text for the parser; a ratio as a quotient, which is what it reads a colon as."""
    if answer.kind == "ratio" and len(answer.parts) == 2:
        return rf"\frac{{{answer.parts[0].latex}}}{{{answer.parts[1].latex}}}"
    return answer.latex


# The first kind that either side is decides; what stands further down may be a part of what stands above.
_RULES: dict[Kind, CompareTrees] = {
    "family": _marked,
    "modulo": _congruences,
    "choice": _choices,
    "chain": _chains,
    "quantity": lambda gold, answer: any(agree(*pair) for pair in pairs_of_values(gold, answer)),
    "words": lambda gold, answer: spell(gold.latex) == spell(answer.latex),
    "time": same_moment,
    "date": same_moment,
    "based": lambda gold, answer: digits_and_base(gold) == digits_and_base(answer),
    "cases": _cases,
    "list": _lists,
    "relation": _relations,
    "matrix": _vectors,
    "row": _vectors,
    "ratio": _ratios,
}
