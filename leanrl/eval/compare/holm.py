"""Holm's correction: several tests at once, with one chance of a false alarm."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return each p-value corrected for all of them, in their order.

    The i-th smallest of m is multiplied by m - i + 1, and is at least the one before it; none exceeds 1.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        corrected[index] = largest
    return corrected
