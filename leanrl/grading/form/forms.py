"""The form of an answer that is equal to its gold answer: whether it is paid, and why not."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from leanrl.grading.answers.nodes import Answer
from leanrl.grading.answers.readers.names import is_name
from leanrl.grading.answers.statements import leaves_of, values_in
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.form.echo import is_echo
from leanrl.grading.form.terms import Term, factors_of, read_term
from leanrl.grading.form.work import base_of, is_constant, work_beyond, work_in
from leanrl.grading.text.characters import squeeze
from leanrl.grading.text.numbers import with_counts
from leanrl.grading.units.quantities import value_beside_a_number
from leanrl.types import Form, Reason

_FACTOR = re.compile(r"\bfactori[sz]e\b|\bfactor\b(?! of\b| for\b)", re.IGNORECASE)
_SETS_JOINED = re.compile(r"\\(?:cup|cap|setminus)(?![A-Za-z])")
_EXPAND = re.compile(r"\bexpand\b|\bmultiply out\b", re.IGNORECASE)


def form_reason(gold: str, answer: str, *, problem: str | None, refused: Collection[Form]) -> Reason:
    """Return `correct` for an equal answer in a form that is paid, else the form that is refused.

    The gold answer's own text is always paid.
    """
    if squeeze(gold) == squeeze(answer):
        return "correct"
    if "echo" in refused and problem and is_echo(gold, answer, problem):
        return "echo"
    return "unfinished" if "unfinished" in refused and not _is_finished(gold, answer, problem or "") else "correct"


def best_reason(reasons: Sequence[Reason], *, refused: Collection[Form]) -> Reason:
    """Return `correct` if one of several gold answers is met, else a form that is refused, else the first reason."""
    order: tuple[Reason, ...] = ("correct", *refused)
    return next((reason for reason in order if reason in reasons), reasons[0])


def _is_finished(gold: str, answer: str, problem: str) -> bool:
    """Return whether nothing is left to do in a normalised answer that its normalised gold answer has done.

    No operation on numbers is left, no operator is left to apply, like terms are collected, and no more powers of
    numbers stand than in the gold answer. A symbolic answer may be expanded or factored, unless the problem asks for
    one of them. One side of a chain has to be finished: x = 10/2 = 5 is. An equation that is the gold answer, not
    solved for a name, may be written in any form.
    """
    gold_tree, answer_tree = read_structure(gold), read_structure(answer if "," in gold else with_counts(answer))
    if gold_tree.kind == "chain" and not is_name(gold_tree.parts[0]) and len(gold_tree.parts) == 2:
        return True
    is_one_set = gold_tree.kind in ("row", "expression") or gold_tree.marks == ("braces",)
    if is_one_set and _SETS_JOINED.search(answer) and not _SETS_JOINED.search(gold):
        return False
    golds, answers = leaves_of(gold_tree), leaves_of(answer_tree)
    allowed = Counter(quotient=int(gold_tree.kind == "ratio"))
    for leaf in golds:
        allowed |= work_in(read_term(leaf))
    return _has_form(answer_tree, allowed) and _has_asked_form(read_term(golds[-1]), read_term(answers[-1]), problem)


def _has_form(answer: Answer, allowed: Counter[str]) -> bool:
    is_quotient = answer.kind == "ratio" and len(answer.parts) == 2 and answer.parts[1].latex != "1"
    if (parts := values_in(answer)) and not is_quotient:
        forms = (_has_form(part, allowed) for part in parts)
        return any(forms) if answer.kind == "chain" else all(forms)
    latex = answer.latex.replace(":", "/") if is_quotient else answer.latex
    term = read_term(value_beside_a_number(latex) or latex)
    return answer.kind in ("time", "date", "words") or not work_beyond(work_in(term), allowed)


def _has_asked_form(gold: Term, answer: Term, problem: str) -> bool:
    """Return whether a symbolic answer is factored or expanded where the problem says so and its gold answer is."""
    if _FACTOR.search(problem) and gold.kind != "sum" and not is_constant(gold):
        return answer.kind != "sum"
    if _EXPAND.search(problem) and gold.kind == "sum":
        factors = [factor for part in answer.parts for factor in factors_of(part)]
        return answer.kind == "sum" and not any(base_of(factor).kind == "sum" for factor in factors)
    return True
