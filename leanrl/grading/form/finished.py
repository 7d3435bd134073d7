"""Whether an answer that is equal to its gold answer is finished: in the form that the gold answer has."""

import re
from collections import Counter
from collections.abc import Iterator

from leanrl.grading.answers.nodes import Answer, Chain, parts_of
from leanrl.grading.answers.readers.names import is_name
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.form.terms import Term, read_term
from leanrl.grading.form.work import is_constant, work_beyond, work_in
from leanrl.grading.units.quantities import read_abbreviated, read_doubtful

_FACTOR = re.compile(r"\bfactori[sz]e\b|\bfactor\b(?! of\b| for\b)", re.IGNORECASE)
_EXPAND = re.compile(r"\bexpand\b|\bmultiply out\b", re.IGNORECASE)


def is_finished(gold: str, answer: str, problem: str | None) -> bool:
    """Return whether nothing is left to do in a normalised answer that its normalised gold answer has done.

    No operation on numbers is left, no operator is left to apply, like terms are collected, and no more powers of
    numbers stand than in the gold answer. A symbolic answer may be expanded or factored, unless the problem asks for
    one of them. One side of a chain has to be finished: x = 10/2 = 5 is. An equation that is the gold answer, not
    solved for a name, may be written in any form.
    """
    gold_tree, answer_tree = read_structure(gold), read_structure(answer)
    if isinstance(gold_tree, Chain) and not is_name(gold_tree.sides[0]) and len(gold_tree.sides) == 2:
        return True
    allowed: Counter[str] = Counter()
    for leaf in leaves_of(gold_tree):
        allowed |= work_in(read_term(leaf))
    return _has_form(answer_tree, allowed) and _has_asked_form(gold, answer, problem or "")


def leaves_of(answer: Answer) -> list[str]:
    """Return the texts of the single expressions in an answer; the names before equals signs are none."""
    parts = list(_parts(answer))
    return [leaf for part in parts for leaf in leaves_of(part)] if parts else [answer.latex]


def _has_form(answer: Answer, allowed: Counter[str]) -> bool:
    if isinstance(answer, Chain):
        return any(_has_form(side, allowed) for side in _parts(answer))
    parts = list(_parts(answer))
    if parts:
        return all(_has_form(part, allowed) for part in parts)
    return not work_beyond(work_in(read_term(_without_unit(answer.latex))), allowed)


def _without_unit(latex: str) -> str:
    """Return a value without the letters behind it that may be a unit or a multiple: 5 of 5 m/s, 1000 of 1k."""
    if (doubtful := read_doubtful(latex)) is not None:
        return doubtful.value
    return read_abbreviated(latex) or latex


def _parts(answer: Answer) -> Iterator[Answer]:
    """Yield the answers that an answer is made of."""
    if isinstance(answer, Chain):
        yield from answer.sides[1 if is_name(answer.sides[0]) else 0 :]
        return
    yield from parts_of(answer)


def _has_asked_form(gold: str, answer: str, problem: str) -> bool:
    """Return whether a symbolic answer is factored or expanded where the problem says so and its gold answer is."""
    gold_term, answer_term = (read_term(leaves_of(read_structure(text))[-1]) for text in (gold, answer))
    if _FACTOR.search(problem) and not _is_sum(gold_term) and not is_constant(gold_term):
        return not _is_sum(answer_term)
    if _EXPAND.search(problem) and _is_sum(gold_term):
        return _is_sum(answer_term) and not any(_is_product_of_sums(part) for part in answer_term.parts)
    return True


def _is_sum(term: Term) -> bool:
    return term.kind == "sum"


def _is_product_of_sums(term: Term) -> bool:
    return (
        term.kind in ("product", "power")
        and any(part.kind in ("sum", "power") for part in term.parts)
        and any(_is_sum(below) for below in term.walk())
    )
