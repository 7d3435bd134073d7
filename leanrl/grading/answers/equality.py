"""Whether an answer is the gold answer, tree against tree; the comparison of two expressions is handed in."""

from collections.abc import Callable, Sequence

from leanrl.grading.answers.nodes import (
    Answer,
    Based,
    Cases,
    Chain,
    Choice,
    Date,
    Family,
    Grouped,
    Items,
    Joined,
    Matrix,
    Modulo,
    Quantity,
    Ratio,
    Relation,
    Row,
    Span,
    Time,
    Words,
)
from leanrl.grading.answers.quantities import pairs_of_values, readings_beside_a_number
from leanrl.grading.answers.readers.choices import letters_chosen
from leanrl.grading.answers.readers.moments import same_moment
from leanrl.grading.answers.readers.names import has_variable, is_name
from leanrl.grading.answers.readers.numerals import residue_class
from leanrl.grading.answers.readers.systems import is_otherwise
from leanrl.grading.answers.readers.words import spell
from leanrl.grading.answers.statements import has_relation, is_solved, one_span
from leanrl.grading.text.characters import squeeze

Compare = Callable[[str, str], bool]

_MAX_UNORDERED = 40  # longer lists are compared in the order they are written: every pair would be too many


class Equality:
    """The comparison of answers, given how two expressions are compared."""

    def __init__(self, are_equal: Compare, is_rounding: Compare, are_same_span: Callable[[Span, Span], bool]) -> None:
        """Take three functions of LaTeX texts.

        Args:
            are_equal: whether two expressions are equal, the gold one first.
            is_rounding: whether the second is the first, rounded.
            are_same_span: whether two relations or sets, or several joined by "and" or "or", have the same numbers.
        """
        self._are_equal = are_equal
        self._is_rounding = is_rounding
        self._are_same_span = are_same_span
        # The first kind that either side is decides; what stands further down may be a part of what stands above.
        self._rules: tuple[tuple[type | tuple[type, ...], Callable[[Answer, Answer], bool]], ...] = (
            (Family, self._families),
            (Modulo, self._congruences),
            (Choice, self._choices),
            (Chain, self._chains),
            (Quantity, self._quantities),
            (Words, lambda gold, answer: spell(gold.latex) == spell(answer.latex)),
            ((Time, Date), same_moment),
            (Based, _based),
            (Cases, self._cases),
            (Items, self._items),
            (Relation, self._relations),
            (Matrix, self._matrices),
            (Row, self._rows),
            (Ratio, self._ratios),
        )

    def holds(self, gold: Answer, answer: Answer) -> bool:
        """Return whether the answer is what the gold answer asks for; which is which matters."""
        if squeeze(gold.latex) == squeeze(answer.latex):
            return True
        if isinstance(gold, Grouped):
            is_number = not gold.is_list_in_gold and self.holds(gold.number, answer)
            return is_number or self.holds(gold.items, answer)
        if isinstance(answer, Grouped):
            return self.holds(gold, answer.number) or self.holds(gold, answer.items)
        if _are_same_choices(gold, answer):
            return True
        for kind, compare in self._rules:
            if isinstance(gold, kind) or isinstance(answer, kind):
                return compare(gold, answer)
        if not has_variable(gold) and (readings := readings_beside_a_number(answer)):
            return any(self.holds(gold, reading) for reading in readings)
        return self._are_equal(gold.latex, answer.latex)

    def _quantities(self, gold: Answer, answer: Answer) -> bool:
        """Compare values in one unit; a unit that only one side has is free."""
        return any(self.holds(*pair) for pair in pairs_of_values(gold, answer))

    def _families(self, gold: Answer, answer: Answer) -> bool:
        """Compare the values; what the parameter runs over may be left to the question, not contradicted."""
        if isinstance(gold, Family) and isinstance(answer, Family):
            return gold.domain == answer.domain and self.holds(gold.value, answer.value)
        return self.holds(*(side.value if isinstance(side, Family) else side for side in (gold, answer)))

    def _congruences(self, gold: Answer, answer: Answer) -> bool:
        """Compare the values or the residues; the modulus may be left to the question, not contradicted."""
        classes = residue_class(gold), residue_class(answer)
        if None not in classes:
            return classes[0] == classes[1]
        if isinstance(gold, Modulo) and isinstance(answer, Modulo):
            return gold.modulus == answer.modulus and self.holds(gold.value, answer.value)
        return self.holds(*(side.value if isinstance(side, Modulo) else side for side in (gold, answer)))

    def _choices(self, gold: Answer, answer: Answer) -> bool:
        """Compare the letters where both have one, and the options where both have one."""
        letters, options = [_choice_letter(side) for side in (gold, answer)], [_option(side) for side in (gold, answer)]
        if all(letters) and letters[0] != letters[1]:
            return False
        if None in options:
            return all(letters)
        return self.holds(*(option for option in options if option is not None))

    def _chains(self, gold: Answer, answer: Answer) -> bool:
        """Compare where one side at least has an equals sign."""
        if not isinstance(gold, Chain):
            assert isinstance(answer, Chain)
            return self._values_agree(gold, answer)
        if not isinstance(answer, Chain):
            return any(self.holds(value, answer) for value in _values_of(gold))
        if not any(map(has_variable, gold.sides)):
            return any(self._values_agree(value, answer) for value in gold.sides)
        if squeeze(gold.sides[0].latex) == squeeze(answer.sides[0].latex) and is_name(gold.sides[0]):
            return any(self._values_agree(value, answer) for value in gold.sides[1:])
        if not (len(gold.sides) == len(answer.sides) == 2 and set(gold.signs + answer.signs) == {"="}):
            return False
        return (is_solved(answer) or not is_solved(gold)) and self._are_equal(gold.latex, answer.latex)

    def _values_agree(self, gold: Answer, answer: Chain) -> bool:
        r"""Compare the sides of `x = a = b` with a gold value: all must equal it, or x = 1 = 2 would hold two answers.

        What stands behind \approx is no further answer; but if it rounds what stands before, it may be the one asked.
        """
        parts: list[list[Answer]] = [[] if is_name(answer.sides[0]) else [answer.sides[0]]]
        for sign, side in zip(answer.signs, answer.sides[1:], strict=True):
            if sign == r"\approx":
                parts.append([])
            parts[-1].append(side)
        exact, rounded = parts[0], parts[-1]
        if exact and all(self.holds(gold, side) for side in exact):
            return True
        if len(parts) == 1 or not all(self.holds(gold, side) for side in rounded):
            return False
        return not exact or self._is_rounding(exact[0].latex, rounded[0].latex)

    def _cases(self, gold: Answer, answer: Answer) -> bool:
        """Pair the branches by value and condition; `otherwise` is what the other conditions leave."""
        if not (isinstance(gold, Cases) and isinstance(answer, Cases) and len(gold.branches) == len(answer.branches)):
            return False
        left = list(answer.branches)
        missing = []
        for branch in gold.branches:
            found = next((other for other in left if all(map(self.holds, branch, other))), None)
            missing += [] if found else [branch]
            left = [other for other in left if other is not found]
        if len(missing) != 1:
            return not missing
        (value, condition), (other_value, other_condition) = missing[0], left[0]
        if not self.holds(value, other_value) or is_otherwise(condition) == is_otherwise(other_condition):
            return is_otherwise(condition) and is_otherwise(other_condition) and self.holds(value, other_value)
        explicit = answer if is_otherwise(condition) else gold
        spans = [one_span(branch[1]) for branch in explicit.branches]
        return None not in spans and self._are_same_span(
            Joined("or", tuple(span for span in spans if span is not None)), r"\mathbb{R}"
        )

    def _items(self, gold: Answer, answer: Answer) -> bool:
        """Compare where one side at least is a list or a set."""
        if has_relation(gold) or has_relation(answer):
            return self._joined_relations(gold, answer)
        if isinstance(gold, Row) or isinstance(answer, Row):
            return self._row_and_items(gold, answer)
        golds, answers = _distinct(gold), _distinct(answer)
        if len(golds) != len(answers) or _is_nested_empty(gold, answer):
            return False
        if len(golds) > _MAX_UNORDERED:
            return self._in_order(golds, answers)
        return _may_be_joined_alike(gold, answer) and self._in_any_order(golds, answers)

    def _joined_relations(self, gold: Answer, answer: Answer) -> bool:
        """Compare relations joined by "and" or "or", all about one name, by the numbers that they admit."""
        if is_solved(gold) and not is_solved(answer):
            return False
        golds, answers = _distinct(gold), _distinct(answer)
        alike = len(golds) == len(answers) and self._in_any_order(golds, answers)
        if alike and _joint(gold) == _joint(answer):
            return True
        spans = one_span(gold), one_span(answer)
        if spans[0] is None or spans[1] is None:
            return alike and "or" not in (_joint(gold), _joint(answer))
        return self._are_same_span(spans[0], spans[1])

    def _row_and_items(self, gold: Answer, answer: Answer) -> bool:
        """Compare a point with the values of a list in its order, with or without their names; a set is no point."""
        row, items = (gold, answer) if isinstance(gold, Row) else (answer, gold)
        if not (isinstance(row, Row) and isinstance(items, Items)):
            return False
        if len(items.items) == 1:
            return self.holds(*(items.items[0] if side is items else side for side in (gold, answer)))
        have_names = all(isinstance(item, Chain) for item in items.items)
        if items.joint in ("braces", "or") or (items.joint == "and" and not have_names):
            return False
        return (row.brackets == "()" or len(row.items) > 2) and self._in_order(_distinct(gold), _distinct(answer))

    def _relations(self, gold: Answer, answer: Answer) -> bool:
        """Compare side by side, else by the numbers that a relation admits; a solved gold asks for a solved answer."""
        if isinstance(gold, Relation) and isinstance(answer, Relation) and gold.signs == answer.signs:
            if self._in_order(gold.sides, answer.sides):
                return True
            if gold.signs == (r"\neq",) and self._in_order(gold.sides, answer.sides[::-1]):
                return True
        if is_solved(gold) and not is_solved(answer):
            return False
        chains = [side for side in (gold, answer) if isinstance(side, Relation) and len(side.signs) > 1]
        if any(sum(map(has_variable, chain.sides)) > 1 for chain in chains):
            return False  # a < b < c is for no parser
        return self._are_equal(gold.latex, answer.latex)

    def _matrices(self, gold: Answer, answer: Answer) -> bool:
        """Compare entry by entry; a point and a list of lists are a vector and a matrix in plain notation."""
        rows = _entries(gold, answer), _entries(answer, gold)
        if rows[0] is None or rows[1] is None:
            return self._are_equal(gold.latex, answer.latex)
        return len(rows[0]) == len(rows[1]) and all(map(self._in_order, rows[0], rows[1]))

    def _rows(self, gold: Answer, answer: Answer) -> bool:
        """Compare points in order; what may be two intervals must have the same brackets."""
        if not (isinstance(gold, Row) and isinstance(answer, Row)):
            return self._are_equal(gold.latex, answer.latex)
        is_interval_like = len(gold.items) == 2
        return (not is_interval_like or gold.brackets == answer.brackets) and self._in_order(gold.items, answer.items)

    def _ratios(self, gold: Answer, answer: Answer) -> bool:
        """Compare ratios up to a factor; a ratio of two terms is a quotient."""
        if not (isinstance(gold, Ratio) and isinstance(answer, Ratio)):
            return self._are_equal(_quotient(gold), _quotient(answer))
        if len(gold.terms) != len(answer.terms):
            return False
        first, other_first = gold.terms[0].latex, answer.terms[0].latex
        return self._in_order(gold.terms, answer.terms) or all(
            self._are_equal(rf"({term.latex})\cdot({other_first})", rf"({other.latex})\cdot({first})")
            for term, other in zip(gold.terms[1:], answer.terms[1:], strict=True)
        )

    def _in_order(self, golds: Sequence[Answer], answers: Sequence[Answer]) -> bool:
        return len(golds) == len(answers) and all(map(self.holds, golds, answers))

    def _in_any_order(self, golds: Sequence[Answer], answers: Sequence[Answer]) -> bool:
        """Pair each gold value with the first answer that equals it; what is written alike is paired first."""
        left = {squeeze(answer.latex): answer for answer in answers}
        missing = [gold for gold in golds if left.pop(squeeze(gold.latex), None) is None]
        remaining = list(left.values())
        for gold in missing:
            found = next((answer for answer in remaining if self.holds(gold, answer)), None)
            if found is None:
                return False
            remaining.remove(found)
        return True


def _based(gold: Answer, answer: Answer) -> bool:
    """Compare digits and bases; the base belongs to the answer, but ten, which goes without saying."""
    one, other = (
        (side.digits, side.base) if isinstance(side, Based) else (squeeze(side.latex), "10") for side in (gold, answer)
    )
    return one == other


def _are_same_choices(gold: Answer, answer: Answer) -> bool:
    """Return whether one side is a list of letters and the other their run; a gold run of two may be a segment."""
    if isinstance(gold, Items) is isinstance(answer, Items):
        return False
    letters = letters_chosen(gold)
    return len(letters) > (1 if isinstance(gold, Items) else 2) and letters == letters_chosen(answer)


def _choice_letter(answer: Answer) -> str | None:
    if isinstance(answer, Choice):
        return answer.letter
    letter = answer.latex.strip()
    return letter.upper() if len(letter) == 1 and letter.isalpha() else None


def _option(answer: Answer) -> Answer | None:
    """Return what is chosen: the option behind a letter, or an answer that is no letter."""
    if isinstance(answer, Choice):
        return answer.value
    return None if _choice_letter(answer) else answer


def _values_of(gold: Chain) -> tuple[Answer, ...]:
    """Return the sides that alone are an answer: those behind a name, all of a chain of values (0.56 = 56 %)."""
    if not any(map(has_variable, gold.sides)):
        return gold.sides
    return gold.sides[1:] if is_name(gold.sides[0]) else ()


def _distinct(answer: Answer) -> list[Answer]:
    """Return the values of a list without repetitions, of a row as they stand; anything else is one value."""
    if isinstance(answer, Items):
        return list({squeeze(item.latex): item for item in answer.items}.values())
    return list(answer.items) if isinstance(answer, Row) else [answer]


def _joint(answer: Answer) -> str:
    return answer.joint if isinstance(answer, Items) else ""


def _may_be_joined_alike(gold: Answer, answer: Answer) -> bool:
    """Return whether two lists agree on "or": x = 1 or y = 2 is not x = 1, y = 2; x = 1 or x = 2 is x = 1, x = 2."""
    if ("or" in (_joint(gold), _joint(answer))) is (_joint(gold) == _joint(answer) == "or"):
        return True
    items = [item for side in (gold, answer) for item in _distinct(side)]
    return len({squeeze(item.sides[0].latex) for item in items if isinstance(item, Chain)}) <= 1


def _is_nested_empty(gold: Answer, answer: Answer) -> bool:
    r"""Return whether one side is a set of the empty set, \{\emptyset\}, and the other is not."""
    nested = [any(isinstance(item, Items) and not item.items for item in _distinct(side)) for side in (gold, answer)]
    return isinstance(gold, Items) and isinstance(answer, Items) and nested[0] != nested[1]


def _entries(side: Answer, other: Answer) -> tuple[tuple[Answer, ...], ...] | None:
    """Return the rows of a matrix, or of a list in the shape of the other side's; None if there is none."""
    if isinstance(side, Matrix):
        return side.rows
    if not (isinstance(side, Row) and isinstance(other, Matrix)):
        return None
    if all(isinstance(item, Row) for item in side.items):
        return tuple(item.items for item in side.items if isinstance(item, Row))
    return (side.items,) if len(other.rows) == 1 else tuple((item,) for item in side.items)


def _quotient(answer: Answer) -> str:
    """Return the text for the parser; a ratio as a quotient, which is what it reads a colon as."""
    if isinstance(answer, Ratio) and len(answer.terms) == 2:
        return rf"\frac{{{answer.terms[0].latex}}}{{{answer.terms[1].latex}}}"
    return answer.latex
