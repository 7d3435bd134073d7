"""Whether an answer is the gold answer, part by part; the comparison of two expressions is handed in."""

import re
from collections.abc import Callable, Sequence

from leanrl.grading.answers.nodes import Answer, Based, Chain, Choice, Grouped, Items, Modulo, Ratio, Row, Words
from leanrl.grading.answers.readers.words import same_words
from leanrl.grading.text.characters import squeeze

Compare = Callable[[str, str], bool]

_MAX_UNORDERED = 40  # longer lists are compared in the order they are written: every pair would be too many
_TIME = re.compile(r"\d{1,2}:\d{2}")

# What the left side of `name = value` looks like when the value alone is an answer: letters, subscripts, arguments.
_SUBSCRIPT_OR_ARGUMENT = re.compile(r"_\s*(?:\{[^{}]*\}|\w)|(?<=[A-Za-z}])\s*\([^()]*\)")
_NAME = re.compile(r"[\s\\{}',|:()]*+[A-Za-z][A-Za-z\s\\{}',|:()]*+")
_CONSTANT_COMMAND = re.compile(r"\\(?:frac|sqrt|pi|cdot|times|log|ln|sin|cos|tan|exp|binom|infty)(?![A-Za-z])")
_RELATION = re.compile(r"[<>]|\\(?:le|ge|neq)(?![A-Za-z])")
_SET_OPERATION = re.compile(r"\\(?:cup|cap|setminus|mathbb)(?![A-Za-z])")
_VARIABLE = re.compile(r"\\[A-Za-z]+|[A-Za-z]")


class Equality:
    """The comparison of answers, given how two expressions are compared."""

    def __init__(self, are_equal: Compare, is_rounding: Compare, covers: Callable[[list[str], str], bool]) -> None:
        """Take three functions of LaTeX texts.

        Args:
            are_equal: whether two expressions are equal, the gold one first.
            is_rounding: whether the second is the first, rounded.
            covers: whether some relations, taken together, describe a set.
        """
        self._are_equal = are_equal
        self._is_rounding = is_rounding
        self._covers = covers

    def holds(self, gold: Answer, answer: Answer) -> bool:
        """Return whether the answer is what the gold answer asks for; which is which matters."""
        if squeeze(gold.latex) == squeeze(answer.latex):
            return True
        if isinstance(gold, Grouped):
            return self.holds(gold.number, answer) or self.holds(gold.items, answer)
        if isinstance(answer, Grouped):
            return self.holds(gold, answer.number) or self.holds(gold, answer.items)
        if isinstance(gold, Modulo) or isinstance(answer, Modulo):
            return self._modulo(gold, answer)
        if isinstance(gold, Chain) or isinstance(answer, Chain):
            return self._chains(gold, answer)
        if isinstance(gold, Words) or isinstance(answer, Words):
            return same_words(gold.latex, answer.latex)
        if isinstance(gold, Choice) or isinstance(answer, Choice):
            return self._choices(gold, answer)
        if isinstance(gold, Based) or isinstance(answer, Based):
            return _based(gold, answer)
        if isinstance(gold, Items) or isinstance(answer, Items):
            return self._items(gold, answer)
        if isinstance(gold, Row) and isinstance(answer, Row):
            is_interval_like = len(gold.items) == 2
            return (not is_interval_like or gold.brackets == answer.brackets) and self._in_order(
                gold.items, answer.items
            )
        if isinstance(gold, Ratio) and isinstance(answer, Ratio):
            return self._ratios(gold, answer)
        return self._are_equal(_as_expression(gold), _as_expression(answer))

    def _chains(self, gold: Answer, answer: Answer) -> bool:
        """Compare where one side at least has an equals sign."""
        if not isinstance(gold, Chain):
            assert isinstance(answer, Chain)
            return self._values_agree(gold, answer)
        if not isinstance(answer, Chain):
            is_range = _has_relation(answer) or _is_range(answer)
            return any(self.holds(value, answer) for value in _values_of(gold)) or (
                is_range and self._are_equal(gold.latex, answer.latex)
            )
        if not any(map(_has_variable, gold.sides)):
            return any(self._values_agree(value, answer) for value in gold.sides)
        if _same_name(gold.sides[0], answer.sides[0]):
            return any(self._values_agree(value, answer) for value in gold.sides[1:])
        if len(gold.sides) == len(answer.sides) == 2 and set(gold.signs + answer.signs) == {"="}:
            return self._are_equal(gold.latex, answer.latex)
        return False

    def _values_agree(self, gold: Answer, answer: Chain) -> bool:
        r"""Compare the sides of `x = a = b` with a gold value: all must equal it, or x = 1 = 2 would hold two answers.

        What stands behind \approx is no further answer; but if it rounds what stands before, it may be the one asked.
        """
        has_name = _is_name(answer.sides[0]) or _has_variable(answer.sides[0])
        parts: list[list[Answer]] = [[] if has_name else [answer.sides[0]]]
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

    def _modulo(self, gold: Answer, answer: Answer) -> bool:
        """Compare the values; the modulus may be left to the question, but two written ones must be the same."""
        if isinstance(gold, Modulo) and isinstance(answer, Modulo):
            return gold.modulus == answer.modulus and self.holds(gold.value, answer.value)
        if isinstance(gold, Modulo):
            return self.holds(gold.value, answer)
        assert isinstance(answer, Modulo)
        return self.holds(gold, answer.value)

    def _choices(self, gold: Answer, answer: Answer) -> bool:
        """Compare the letters where both have one, else the value behind the letter."""
        gold_letter, answer_letter = _choice_letter(gold), _choice_letter(answer)
        if gold_letter and answer_letter:
            return gold_letter == answer_letter
        if isinstance(gold, Choice) and gold.value is not None:
            return self.holds(gold.value, answer)
        if isinstance(answer, Choice) and answer.value is not None:
            return self.holds(gold, answer.value)
        return False

    def _items(self, gold: Answer, answer: Answer) -> bool:
        """Compare where one side at least is a list."""
        golds, answers = _distinct(gold), _distinct(answer)
        for relations, whole in ((golds, answer), (answers, gold)):
            if len(relations) > 1 and _is_range(whole) and all(_has_relation(one) for one in relations):
                return self._covers([one.latex for one in relations], whole.latex)
        if len(golds) != len(answers):
            return False
        if len(golds) == 1:
            return self.holds(golds[0], answers[0])
        if isinstance(gold, Row) or isinstance(answer, Row) or len(golds) > _MAX_UNORDERED:
            return self._in_order(golds, answers)
        return self._in_any_order(golds, answers)

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

    def _ratios(self, gold: Ratio, answer: Ratio) -> bool:
        """Compare term by term; two ratios of two terms may also be proportional, which times of day may not."""
        if _TIME.fullmatch(squeeze(gold.latex)) and _TIME.fullmatch(squeeze(answer.latex)):
            return squeeze(gold.latex).zfill(5) == squeeze(answer.latex).zfill(5)
        if self._in_order(gold.terms, answer.terms):
            return True
        return len(gold.terms) == len(answer.terms) == 2 and self._are_equal(
            _as_expression(gold), _as_expression(answer)
        )


def _based(gold: Answer, answer: Answer) -> bool:
    """Compare digits; the base may be left to the question, but two written bases must be the same."""
    if isinstance(gold, Based) and isinstance(answer, Based):
        return (gold.digits, gold.base) == (answer.digits, answer.base)
    based, plain = (gold, answer) if isinstance(gold, Based) else (answer, gold)
    assert isinstance(based, Based)
    return based.digits == squeeze(plain.latex).upper()


def _distinct(answer: Answer) -> list[Answer]:
    """Return the values of a list without repetitions, of a row as they stand; anything else is one value."""
    if isinstance(answer, Items):
        return list({squeeze(item.latex): item for item in answer.items}.values())
    return list(answer.items) if isinstance(answer, Row) else [answer]


def _choice_letter(answer: Answer) -> str | None:
    if isinstance(answer, Choice):
        return answer.letter
    letter = answer.latex.strip()
    return letter.upper() if len(letter) == 1 and letter.isalpha() else None


def _as_expression(answer: Answer) -> str:
    """Return the text for the parser; a ratio as a quotient, which is what it reads a colon as."""
    if isinstance(answer, Ratio) and len(answer.terms) == 2:
        return rf"\frac{{{answer.terms[0].latex}}}{{{answer.terms[1].latex}}}"
    return answer.latex


def _is_name(side: Answer) -> bool:
    """Return whether a side only names what is equal to the rest: x, f(x), AB, S_1, (p, q), words."""
    if isinstance(side, Words):
        return True
    return _NAME.fullmatch(_SUBSCRIPT_OR_ARGUMENT.sub("", side.latex)) is not None and _has_variable(side)


def _has_variable(side: Answer) -> bool:
    letters = _VARIABLE.findall(_CONSTANT_COMMAND.sub("", side.latex))
    return any(letter not in ("e", "i") for letter in letters)


def _values_of(gold: Chain) -> tuple[Answer, ...]:
    """Return the sides that alone are an answer: those behind a name, all of a chain of values (0.56 = 56 %)."""
    if not any(map(_has_variable, gold.sides)):
        return gold.sides
    return gold.sides[1:] if _is_name(gold.sides[0]) else ()


def _same_name(one: Answer, other: Answer) -> bool:
    return squeeze(one.latex) == squeeze(other.latex) and _is_name(one)


def _has_relation(answer: Answer) -> bool:
    return _RELATION.search(answer.latex) is not None


def _is_range(answer: Answer) -> bool:
    """Return whether an answer is an interval or a combination of sets."""
    return (isinstance(answer, Row) and len(answer.items) == 2) or _SET_OPERATION.search(answer.latex) is not None
