"""Whether an answer that is equal to its gold answer is finished: in the form that the gold answer has."""

import re
from collections import Counter

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.quantities import value_beside_a_number
from leanrl.grading.answers.readers.names import is_name
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.form.terms import Term, read_term
from leanrl.grading.form.work import is_constant, work_beyond, work_in

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
    if gold_tree.kind == "chain" and not is_name(gold_tree.parts[0]) and len(gold_tree.parts) == 2:
        return True
    allowed: Counter[str] = Counter()
    for leaf in leaves_of(gold_tree):
        allowed |= work_in(read_term(leaf))
    return _has_form(answer_tree, allowed) and _has_asked_form(gold, answer, problem or "")


def leaves_of(answer: Answer) -> list[str]:
    """Return the texts of the single expressions in an answer; the names before equals signs are none."""
    parts = _values_in(answer)
    return [leaf for part in parts for leaf in leaves_of(part)] if parts else [answer.latex]


def _has_form(answer: Answer, allowed: Counter[str]) -> bool:
    if parts := _values_in(answer):
        forms = (_has_form(part, allowed) for part in parts)
        return any(forms) if answer.kind == "chain" else all(forms)
    term = read_term(value_beside_a_number(answer.latex) or answer.latex)
    return not work_beyond(work_in(term), allowed)


def _values_in(answer: Answer) -> tuple[Answer, ...]:
    """Return the parts of an answer without the name before an equals sign."""
    return answer.parts[1:] if answer.kind == "chain" and is_name(answer.parts[0]) else answer.parts


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
