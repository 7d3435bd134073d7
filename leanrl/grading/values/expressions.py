"""Whether two expressions are equal, by value at sample points or by math-verify; runs in a child process only.

Each function takes normalised texts, the gold answer first, and raises `UnreadableError` for one that the parser
refuses.
"""

import re
from functools import lru_cache
from typing import Any

from latex2sympy2_extended import NormalizationConfig, latex2sympy, normalize_latex
from math_verify import verify
from math_verify.grader import should_treat_as_complex
from sympy import Basic, Eq, Expr, I, MatrixBase, MatrixExpr
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

from leanrl.grading.answers.certainty import certain_equality
from leanrl.grading.values.equations import have_same_solutions
from leanrl.grading.values.parser_traps import avoid_traps, with_double_factorials
from leanrl.grading.values.sampling import agree_at_points, is_rounding_of, is_shift_of
from leanrl.grading.values.set_algebra import read_set_algebra

_NORMALISATION = NormalizationConfig(
    basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none", equations=False
)
# The parser drops a percent sign in a text, and what stands on both sides of it would be one number.
_PERCENT_WITHIN = re.compile(r"\\%\s*+\}?\s*+(?:[\d(]|\.\d|\\(?:frac|sqrt|pi)(?![A-Za-z]))")
_DECIMAL = re.compile(r"-?\d+(?:\.(\d+))?")
_TWO_NUMBERS = re.compile(r"(?<![\d._^])\d+(?:\.\d+)?\s+\d")
_BOTH_SCRIPTS = re.compile(r"\d\s?(?:\^\s?(?:\{[^{}]*\}|\S)\s?_|_\s?(?:\{[^{}]*\}|\S)\s?\^)")  # 5^{+1}_{-1} is no 5
_UNEVEN = re.compile(r"\[[^][(),;]*+\)|\([^][(),;]*+\]")
# A tower of five with a letter on top, or the factorial of one of three: sympy would fill gigabytes to estimate it.
_TOWER = re.compile(r"(?:\^\s?\{[^{}^]{0,20}){3}\^\s?\{?\s?[A-Za-z]|\^\s?\{[^{}^]{0,20}\^[^!]{0,40}[)}]\s?!")
_LETTER = re.compile(r"[A-Za-z]")
_CHOICE = re.compile(r"[A-J]")  # a letter of a multiple choice may be answered in lower case


class UnreadableError(Exception):
    """An expression that the parser refuses; the message is its text."""


def are_equal(gold: str, answer: str) -> bool:
    """Return whether two expressions are equal."""
    certain = certain_equality(gold, answer)
    if certain is not None:
        return certain
    if _LETTER.fullmatch(gold) and _LETTER.fullmatch(answer):
        return _CHOICE.fullmatch(gold) is not None and gold == answer.upper()
    parsed = _parse_both(gold, answer)
    sampled = _compare_by_value(*parsed)
    if sampled is not None:
        return sampled
    return bool(verify(*parsed, allow_set_relation_comp=True, timeout_seconds=None))


def are_equal_at(gold: str, answer: str, *, letter: str, point: Expr) -> bool:
    """Return whether two expressions are equal where a number stands for a letter."""
    sides = _parse_both(gold, answer)
    if not all(isinstance(side, Expr) for side in sides):
        return False
    placed = [side.subs({one: point for one in side.free_symbols if one.name == letter.lower()}) for side in sides]
    return agree_at_points(*placed) is True


def is_rounding(exact: str, rounded: str) -> bool:
    """Return whether the second text rounds the first: to its own places if it is a decimal, else to four digits."""
    number = _DECIMAL.fullmatch(rounded.replace(" ", ""))
    places = len(number[1] or "") if number else None
    parsed = parse(exact), parse(rounded)
    return all(isinstance(one, Expr) for one in parsed) and is_rounding_of(*parsed, places=places)


def are_shifted(gold: str, answer: str, letter: str) -> bool:
    """Return whether two expressions, linear in a letter, have the same values over all whole numbers for it."""
    parsed = _parse_both(gold, answer)
    return all(isinstance(one, Expr) for one in parsed) and is_shift_of(*parsed, letter)


def parse(latex: str) -> Any:
    """Return what the parser makes of a text alone."""
    return _parsed_or_raise(avoid_traps(latex, "")[0], latex)


def _parse_both(gold: str, answer: str) -> tuple[Any, Any]:
    """Return what the parser makes of two texts, whose letters are one."""
    gold_latex, answer_latex = avoid_traps(gold, answer)
    return _parsed_or_raise(gold_latex, gold), _parsed_or_raise(answer_latex, answer)


def _compare_by_value(gold: Any, answer: Any) -> bool | None:
    """Return whether two parsed values agree, None where only math-verify's rules can tell."""
    if isinstance(gold, Eq) and isinstance(answer, Eq):
        sides = [gold.lhs, gold.rhs, answer.lhs, answer.rhs]
        if not all(isinstance(side, Expr) for side in sides):
            return None
        return have_same_solutions(gold.lhs - gold.rhs, answer.lhs - answer.rhs)
    if isinstance(gold, MatrixBase) and isinstance(answer, MatrixBase):
        if gold.shape != answer.shape:
            return False
        agreed = [agree_at_points(one, other) for one, other in zip(gold, answer, strict=True)]
        return None if None in agreed else all(agreed)
    if isinstance(gold, BooleanFunction) and isinstance(answer, BooleanFunction):
        is_of_sets = not gold.has(Relational) and not answer.has(Relational)
        return bool(gold.equals(answer)) if is_of_sets else None
    if isinstance(gold, Expr) and isinstance(answer, Expr):
        return agree_at_points(gold, answer)
    return None


def _parsed_or_raise(latex: str, written: str) -> Any:
    parsed = _parsed(latex)
    if parsed is None:
        raise UnreadableError(written)
    return parsed


@lru_cache(maxsize=1024)
def _parsed(latex: str) -> Any:
    """Return what the parser makes of all of a text, None if it refuses."""
    if any(misread.search(latex) for misread in (_TWO_NUMBERS, _BOTH_SCRIPTS, _PERCENT_WITHIN, _UNEVEN, _TOWER)):
        return None  # the parser would add or join the numbers, leave the scripts out, or not end
    if (membership := read_set_algebra(latex)) is not None:
        return membership
    normalised = normalize_latex(latex, _NORMALISATION)
    is_real = not should_treat_as_complex(normalised)
    try:
        parsed = latex2sympy(normalised, is_real=is_real, convert_degrees=False, normalization_config=None)
        parsed = parsed.doit() if isinstance(parsed, MatrixExpr) else parsed
        if isinstance(parsed, Expr):
            parsed = with_double_factorials(parsed)
            parsed = parsed.subs({symbol: I for symbol in parsed.free_symbols if symbol.name == "i"})
    except MemoryError:
        raise
    except Exception:  # the parser raises what it likes: its own errors, sympy's, RecursionError
        return None
    return parsed if isinstance(parsed, Basic | MatrixBase) else None
