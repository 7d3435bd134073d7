"""Whether two expressions have the same values at sample points; runs in a child process only.

Two different expressions of the kind that answers are made of agree at none of these points or at few, so that a
handful in 30 digits decides, faster than a simplifier and without its mistakes: math-verify drops what is smaller
than 1e-15, and with it the difference of 2^-99 and 2^-98.
"""

from typing import Any

import sympy
from sympy import Expr, Float, I, Rational, nan, oo, zoo
from sympy.core.function import AppliedUndef

_DIGITS = 30
_EXACT = Rational(1, 10**20)  # relative; ten digits are left for rounding in between
_DECIMAL = Rational(1, 10**6)  # relative, where a decimal stands beside variables
_PLACES, _FOUR_DIGITS = Rational(5, 10**7), Rational(1, 10**4)  # as in `numbers`: six places, and four digits at least

# Positive and negative, whole and broken; no two symmetric to each other.
_POINTS = [Rational(*point) for point in (
    (3, 7), (11, 5), (-2, 3), (5, 1), (-7, 4), (13, 8), (2, 1), (17, 6), (-3, 1), (1, 9), (7, 1), (19, 11),
)]  # fmt: skip
_WHOLE_POINTS = [Rational(number) for number in (1, 3, 5, 2, 4, 0)]  # where n!! has a value
_NOISE = Rational(1, 10**60)  # a value that is zero comes out as one like 1e-130
_MAX_DIGITS = 1000
_MIN_POINTS = 4
_NOT_A_VALUE = (sympy.Sum, sympy.Product, sympy.Integral, sympy.Derivative, sympy.Limit, AppliedUndef)


def agree_at_points(gold: Expr, answer: Expr) -> bool | None:
    """Return whether two expressions have the same values, None if too few points give real ones."""
    if gold.has(*_NOT_A_VALUE) or answer.has(*_NOT_A_VALUE):
        return None
    if not (gold.free_symbols or answer.free_symbols):
        return _agree(_value(gold, {}), _value(answer, {}), gold, answer)
    pairs = values_at_points(gold, answer)
    if pairs is None:
        return None
    tolerance = _DECIMAL if gold.has(Float) or answer.has(Float) else _EXACT
    return all(abs(one - other) <= tolerance * max(abs(one), abs(other)) for one, other in pairs)


def values_at_points(gold: Expr, answer: Expr) -> list[tuple[Any, Any]] | None:
    """Return the values of both expressions where both have one, None if that is at too few points.

    Only real values count, unless the imaginary unit is written: what a root of a negative number is equal to is no
    matter for an answer about positive ones.
    """
    if gold.has(*_NOT_A_VALUE) or answer.has(*_NOT_A_VALUE):
        return None
    symbols = sorted(gold.free_symbols | answer.free_symbols, key=str)
    points = _WHOLE_POINTS if gold.has(sympy.factorial2) or answer.has(sympy.factorial2) else _POINTS
    pairs = [(_value(gold, point), _value(answer, point)) for point in _assignments(symbols, points)]
    is_complex = gold.has(I) or answer.has(I)
    usable = [
        (one, other)
        for one, other in pairs
        if _is_usable(one, is_complex) and _is_usable(other, is_complex) and max(abs(one), abs(other)) > _NOISE
    ]
    return usable if len(usable) >= _MIN_POINTS else None


def is_rounding_of(exact: Expr, rounded: Expr, *, places: int | None) -> bool:
    """Return whether a constant is another one rounded to this many places, or to four digits."""
    one, other = _value(exact, {}), _value(rounded, {})
    if not (_is_usable(one, False) and _is_usable(other, False)):
        return False
    tolerance = abs(one) / 10**4 if places is None else Rational(1, 2 * 10**places) + _EXACT
    return bool(abs(one - other) <= tolerance)


def is_shift_of(gold: Expr, answer: Expr, letter: str) -> bool:
    """Return whether a + b k and c + d k are one progression over whole k: d = b or d = -b, and b divides a - c.

    The letter C stands for any number: a - c may be any constant.
    """
    letters = [next((one for one in side.free_symbols if one.name == letter.lower()), None) for side in (gold, answer)]
    if not all(own and one.is_polynomial(own) for one, own in zip((gold, answer), letters, strict=True)):
        return False
    terms = [sympy.Poly(one, symbol).all_coeffs() for one, symbol in zip((gold, answer), letters, strict=True)]
    if any(len(coefficients) != 2 for coefficients in terms):
        return False
    (step, start), (other_step, other_start) = terms
    multiples = [sympy.simplify(ratio) for ratio in (other_step / step, (start - other_start) / step)]
    is_constant = letter == "C" and not multiples[1].free_symbols
    return abs(multiples[0]) == 1 and bool(multiples[1].is_integer or is_constant)


def _assignments(symbols: list[Any], points: list[Any]) -> list[dict[Any, Any]]:
    """Return points with different values for the symbols."""
    return [
        {symbol: points[(trial + 5 * place) % len(points)] + place for place, symbol in enumerate(symbols)}
        for trial in range(len(points))
    ]


def _value(expression: Expr, point: dict[Any, Any]) -> Any:
    """Return a number of 30 digits, exact where it is rational; or whatever else comes out."""
    if expression.has(Float):  # as it is written: 60.2 times 10^22 is 6.02 times 10^23
        expression = expression.replace(lambda node: node.is_Float, lambda node: Float(str(node), 2 * _DIGITS))
    value = _computed(expression)
    if value.is_Rational:
        return value
    return _evaluate(value, digits=_DIGITS, point=point)


def _computed(expression: Expr) -> Expr:
    """Return the expression with odd roots as school has them: that of a negative number is negative, not complex.

    An expression in which the imaginary unit is written keeps the complex ones. What the parser leaves unevaluated,
    such as the hundredth of a percent sign, is evaluated.
    """
    expression = expression.doit() if expression.has(sympy.UnevaluatedExpr) else expression
    if expression.has(I) or not expression.has(sympy.Pow):
        return expression
    return expression.replace(_is_odd_root, _real_root)


def _is_odd_root(expression: Expr) -> bool:
    return (
        isinstance(expression, sympy.Pow)
        and isinstance(expression.exp, Rational)
        and expression.exp.q % 2 == 1
        and expression.exp.q > 1
        and expression.base.is_nonnegative is not True
    )


def _real_root(power: Any) -> Expr:
    sign = sympy.sign(power.base) if power.exp.p % 2 else 1
    return sign * abs(power.base) ** power.exp


def _evaluate(expression: Expr, *, digits: int, max_digits: int = 100, point: dict[Any, Any] | None = None) -> Any:
    """Return the expression's value in decimals, nan where sympy finds none."""
    try:
        return expression.evalf(digits, subs=point or None, maxn=max_digits)
    except (ArithmeticError, TypeError, ValueError, AttributeError, NotImplementedError, RecursionError):
        return nan  # sympy raises any of these where it cannot compute; a point without a value decides nothing


def _is_usable(value: Any, is_complex: bool) -> bool:
    if not getattr(value, "is_number", False) or value in (nan, zoo, oo, -oo):
        return False
    return is_complex or bool(value.is_real)


def _agree(one: Any, other: Any, gold: Expr, answer: Expr) -> bool | None:
    """Return whether two constants agree, given their values; None if they have none."""
    if not (_is_usable(one, True) and _is_usable(other, True)):
        return bool(one == other) if {one, other} & {oo, -oo, zoo} else None
    if one.is_Rational and other.is_Rational:
        return bool(one == other)
    difference, largest = abs(one - other), max(abs(one), abs(other))
    if gold.has(Float) or answer.has(Float):
        return bool(difference <= max(_PLACES, _EXACT * largest) and difference <= _FOUR_DIGITS * largest)
    if one == 0 or other == 0:
        return None if _is_noise(one) or _is_noise(other) else False
    if difference > _EXACT * largest:
        return False
    return _vanishes(_computed(gold) - _computed(answer), largest)


def _is_noise(value: Any) -> bool:
    """Return whether a value has no certain digit, as that of a term which is zero in disguise: for a simplifier."""
    return any(part.is_Float and part._prec == 1 for part in value.as_real_imag())


def _vanishes(difference: Expr, largest: Any) -> bool:
    """Return whether two constants that agree in 20 digits, as 2^100 - 2 and 2^100 + 2 do, agree in hundreds."""
    value = _evaluate(difference, digits=2, max_digits=_MAX_DIGITS)
    return not _is_usable(value, True) or bool(abs(value) <= largest * Rational(1, 10 ** (_MAX_DIGITS - 200)))
