"""What is left to do in an expression as it is written: operations, by kind."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import chain, islice, product
from math import gcd, prod

from leanrl.grading.form.terms import MINUS, Term
from leanrl.grading.tables.operators import CONSTANTS, FORMS, OPERATOR, OPERATORS_OF_NUMBERS, WORK_OF_CALLS

_OPERATOR = re.compile(OPERATOR)
_LETTER = re.compile(r"\\(?!pi$|infty$|circ$|%|begin|text)[A-Za-z]+|[A-Za-z].*")
_MAX_TERMS = 200
_LARGEST_ROOT = 1000  # square factors of larger numbers are not looked for


def work_in(term: Term) -> Counter[str]:
    """Return how often each kind of operation is left to do."""
    return Counter(work for node in term.walk() for work in _work_of(node))


def work_beyond(answer: Counter[str], gold: Counter[str]) -> Counter[str]:
    """Return the operations left in an answer that its gold answer does not have."""
    return Counter(
        {kind: count for kind, count in answer.items() if not (gold[kind] and kind in FORMS) and count > gold[kind]}
    )


def is_constant(term: Term) -> bool:
    """Return whether no letter stands for a number."""
    symbols = (node.text for node in term.walk() if node.kind == "symbol")
    return all(text in CONSTANTS or not _LETTER.fullmatch(text) for text in symbols)


def _work_of(node: Term) -> list[str]:
    if _OPERATOR.match(node.text):
        return ["operator"]
    return _WORK_OF[node.kind](node) if node.kind in _WORK_OF else []


def _work_of_sum(node: Term) -> list[str]:
    matrices = sum(_has_matrix(part) and is_constant(part) for part in node.parts)
    has_zero = any(part.integer == 0 for part in node.parts)
    return ["zero"] * has_zero + ["matrix"] * (matrices > 1) + ["like terms"] * _has_like_terms(node)


def _work_of_product(node: Term) -> list[str]:
    factors = [factor for factor in node.parts if factor != MINUS]
    numbers = [factor for factor in factors if factor.is_number]
    bases = Counter(base_of(factor).key for factor in factors if not factor.is_number and factor.kind != "call")
    repeated = sum(bases.values()) - len(bases)
    sums = [factor for factor in factors if base_of(factor).kind == "sum" and is_constant(factor)]
    roots = [factor for factor in factors if factor.kind == "root" and is_constant(factor)]
    turned = [factor for factor in factors if factor.kind != "call" and _has_i(factor)]
    signs = [factor for factor in node.parts if factor == MINUS]
    steps = [repeated, *(max(0, len(alike) - 1) for alike in (numbers, sums, roots, turned, signs))]
    ones = sum(factor.integer in (0, 1) for factor in numbers) if len(numbers) == 1 < len(factors) else 0
    return ["product"] * (max(steps) + ones) + ["matrix"] * (sum(map(_has_matrix, factors)) > 1)


def _work_of_fraction(node: Term) -> list[str]:
    over, under = node.parts
    is_whole = bool(under.integer) and _content(over) % (under.integer or 1) == 0
    has_parts = node.is_number and None in (over.integer, under.integer)
    has_parts = has_parts or "fraction" in (over.kind, under.kind)
    return ["quotient"] * (is_whole or has_parts) + (
        [] if is_constant(under) and not _has_i(under) else ["denominator"]
    )


def _work_of_power(node: Term) -> list[str]:
    base, exponent = node.parts
    is_negative = exponent.kind == "product" and exponent.parts[0] == MINUS
    denominator = ["denominator"] if is_negative and not is_constant(base) else []
    value = exponent.rational
    if value is None:
        turn = base.text == "e" and any(part.text == "i" for part in exponent.walk())  # e^{i\\pi}
        return denominator + (["power"] if turn else [])
    if value.denominator > 1:
        return _work_of_root(Term("root", "", (base, Term("number", str(value.denominator)))))
    is_letter = base.kind == "symbol" and base.text != "i"
    has_power = base.kind == "power" or (base.kind == "product" and any(part.is_number for part in base.parts))
    is_left = value in (0, 1) or has_power or (is_constant(base) and not is_letter)
    return denominator + ["power"] * is_left


def _work_of_root(node: Term) -> list[str]:
    inside, index = node.parts[0], node.parts[1].integer or 0
    value = inside.rational
    numbers = () if value is None else value.as_integer_ratio()
    found = any(_has_factor(number, index) for number in numbers if number != 1 or value == 1)
    return ["root"] if found or any(part.kind == "root" for part in inside.walk()) else []


def _work_of_call(node: Term) -> list[str]:
    if node.text in OPERATORS_OF_NUMBERS:
        return ["operator"] if all(map(is_constant, node.parts)) else []
    return [] if node.text == r"\exp" else [WORK_OF_CALLS.get(node.text, "function")]


def _content(term: Term) -> int:
    """Return the largest whole number that can be seen to divide a term: 2 for 4x + 6y."""
    if term.integer is not None:
        return abs(term.integer)
    contents = [_content(part) for part in term.parts]
    return prod(contents) if term.kind == "product" else gcd(*contents) if term.kind == "sum" else 1


def _has_factor(number: int, index: int) -> bool:
    """Return whether a root of a whole number can be taken, in part: that of 12 and of -9, not that of 10.

    The real root of a negative number is left as it is written: -2 may be answered as the cube root of -8.
    """
    if number == 0 or not 2 <= index <= 20 or (number < 0 and index % 2):
        return False
    number = abs(number)
    return any(number % root**index == 0 for root in range(2, _LARGEST_ROOT) if root**index <= number) or number == 1


def _has_like_terms(node: Term) -> bool:
    """Return whether like terms stand in a sum, as they are written or when its products are multiplied out."""
    seen: set[str] = set()
    for part in node.parts:
        keys = {" ".join(sorted(factors)) for factors in _monomials(part)}
        if seen & keys:
            return True
        seen |= keys
    return False


def _monomials(term: Term) -> list[tuple[str, ...]]:
    """Return the terms of a product multiplied out, each as its factors without numbers; no more than a few."""
    if term.is_number:
        return [()]
    if term.kind == "sum":
        return list(chain.from_iterable(map(_monomials, term.parts)))[:_MAX_TERMS]
    if term.kind == "product":
        return _multiplied_out([_monomials(part) for part in term.parts[:20]])
    if term.kind == "fraction" and term.parts[1].is_number:
        return _monomials(term.parts[0])
    exponent = term.parts[1].integer if term.kind == "power" else None
    if exponent is not None and 2 <= exponent <= 8:
        return _multiplied_out([_monomials(term.parts[0])] * exponent)
    return [(term.key,)]


def _multiplied_out(sums: list[list[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    return [tuple(chain.from_iterable(one)) for one in islice(product(*sums), _MAX_TERMS)]


def _has_i(term: Term) -> bool:
    return is_constant(term) and any(node.text == "i" for node in term.walk())


def _has_matrix(term: Term) -> bool:
    return any(node.text.startswith(r"\begin") for node in term.walk())


def base_of(term: Term) -> Term:
    return term.parts[0] if term.kind == "power" else term


_WORK_OF: dict[str, Callable[[Term], list[str]]] = {
    "sum": _work_of_sum,
    "product": _work_of_product,
    "fraction": _work_of_fraction,
    "power": _work_of_power,
    "root": _work_of_root,
    "call": _work_of_call,
}
