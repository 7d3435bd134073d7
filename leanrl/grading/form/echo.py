"""Whether an answer is a formula copied from its problem."""

import re
from functools import lru_cache

from leanrl.grading.answers.statements import leaves_of
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.form.terms import read_term
from leanrl.grading.form.work import is_constant, work_in
from leanrl.grading.tables import notations
from leanrl.grading.text.brackets import split_outside
from leanrl.grading.text.characters import squeeze
from leanrl.grading.text.normalisation import normalise

_FORMULA, _SIDES = re.compile(notations.FORMULA, re.DOTALL), re.compile(notations.SIDES)
_PLAIN_TEXT = re.compile(notations.PLAIN_FORMULA)
_MAX_FORMULA_CHARS, _MAX_FORMULAS = 500, 500


def is_echo(gold: str, answer: str, problem: str) -> bool:
    """Return whether a normalised answer stands in the problem's text as a formula.

    The order of summands and factors does not matter. A plain value may stand there, and so may the gold answer.
    """
    if squeeze(gold) == squeeze(answer) or _is_plain(answer):
        return False
    return _key(answer) in _formula_keys(problem)


def _is_plain(answer: str) -> bool:
    """Return whether an answer is a value with nothing left to do, or values: a number, a point, a word, a letter."""
    tree = read_structure(answer)
    if tree.kind in ("words", "choice", "time", "date", "either"):
        return True
    if len(split_outside(answer, _SIDES)) > 1 and not answer.startswith(("(", "[", r"\{")):
        return False
    terms = [read_term(leaf) for leaf in leaves_of(tree)]
    return all(term.kind == "symbol" or (is_constant(term) and not work_in(term)) for term in terms)


@lru_cache(maxsize=1024)
def _formula_keys(problem: str) -> frozenset[str]:
    """Return the formulas of a text, whole and side by side, each in one spelling."""
    matches = list(_FORMULA.finditer(problem))[:_MAX_FORMULAS]
    texts = [next(text for name, text in match.groupdict().items() if text and name != "name") for match in matches]
    texts += _PLAIN_TEXT.findall(_FORMULA.sub(" ", problem))[:_MAX_FORMULAS]
    keys = set()
    for text in texts:
        formula = normalise(text[:_MAX_FORMULA_CHARS].strip(" ?.\n"))
        keys |= {_key(piece) for piece in (formula, *split_outside(formula, _SIDES)) if piece}
    return frozenset(keys)


@lru_cache(maxsize=4096)
def _key(latex: str) -> str:
    """Return a text that formulas share which differ in spacing or in the order of summands, factors and sides only."""
    keys, signs = [read_term(side.strip(" .")).key for side in split_outside(latex, _SIDES)], _SIDES.findall(latex)
    return "|".join([*(sorted(keys) if set(signs) == {"="} else keys), *signs])
