"""Student's t distribution for whole degrees of freedom, without scipy."""

import math
from functools import lru_cache

_BISECTIONS = 80
_FARTHEST = 1e6


def t_share_within(bound: float, degrees: int) -> float:
    """Return P(|T| <= bound).

    Source: Abramowitz and Stegun, 26.7.3 (odd degrees) and 26.7.4 (even degrees); both sums are exact.

    Raises:
        ValueError: for less than one degree of freedom.
    """
    if degrees < 1:
        raise ValueError(f"degrees of freedom must be 1 or more, is {degrees}")
    angle = math.atan(abs(bound) / math.sqrt(degrees))
    cosine_squared = math.cos(angle) ** 2
    first = 3 if degrees % 2 else 2
    term = total = (math.cos(angle) if degrees % 2 else 1.0) if degrees > 1 else 0.0
    for factor in range(first, degrees - 1, 2):
        term *= (factor - 1) / factor * cosine_squared
        total += term
    if degrees % 2:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total


@lru_cache(maxsize=512)
def t_quantile(probability: float, degrees: int) -> float:
    """Return the bound that T exceeds with 1 - probability, for a probability of at least one half.

    Raises:
        ValueError: for a probability outside [0.5, 1).
    """
    if not 0.5 <= probability < 1:
        raise ValueError(f"probability must lie in [0.5, 1), is {probability}")
    low, high = 0.0, _FARTHEST
    within = 2 * probability - 1
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if t_share_within(middle, degrees) < within else (low, middle)
    return high
