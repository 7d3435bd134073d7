"""Whether two equations say the same; runs in a child process only."""

from sympy import Expr, Poly, PolynomialError, together

from leanrl.grading.values.sampling import values_at_points


def have_same_solutions(gold: Expr, answer: Expr) -> bool | None:
    """Return whether two expressions vanish together, None where that is left to a solver.

    Args:
        gold, answer: left side minus right side of an equation each.
    """
    if not (gold.free_symbols and answer.free_symbols):
        return False  # an equation of constants says nothing
    if _are_proportional(gold, answer):
        return True
    try:
        polynomials = [Poly(together(side).as_numer_denom()[0]) for side in (gold, answer)]
    except PolynomialError:
        return None
    if any(not polynomial.domain.is_Numerical or not polynomial.domain.is_Exact for polynomial in polynomials):
        return None
    if polynomials[0].gens != polynomials[1].gens:
        return False
    one, other = (polynomial.sqf_part() for polynomial in polynomials)
    return bool(one.monic() == other.monic())


def _are_proportional(gold: Expr, answer: Expr) -> bool:
    """Return whether one expression is a constant times the other at all sample points."""
    pairs = values_at_points(gold, answer)
    if pairs is None or any(one == 0 or other == 0 for one, other in pairs):
        return False
    ratios = [one / other for one, other in pairs]
    return all(abs(ratio - ratios[0]) <= abs(ratios[0]) / 10**20 for ratio in ratios)
