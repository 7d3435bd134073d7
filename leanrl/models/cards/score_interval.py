"""The interval of a score that was counted."""

import math

# The standard normal's quantile at 97.5 %.
_Z = 1.959964


def wilson_interval(share: float, number: int) -> tuple[float, float]:
    """Return the 95 % interval of a fraction of `number` problems.

    (p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n)

    Source: E. B. Wilson, JASA 22 (1927), p. 209; unlike p -+ 2 standard errors it stays within 0 and 1, and is wide
    where every answer is right.
    """
    shrink = _Z**2 / number
    middle = share + shrink / 2
    reach = _Z * math.sqrt(share * (1 - share) / number + shrink / (4 * number))
    return (middle - reach) / (1 + shrink), (middle + reach) / (1 + shrink)
