"""The sign-flip permutation test of paired differences.

Where two models are equal on each problem, a difference could as well have had the other sign. The test counts how many
of all choices of signs give a sum as far from 0 as the one that was seen.

Letters: N problems.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from leanrl.eval.scores.problem_scores import ProblemScores

Integers = NDArray[np.int64]
# The exact count takes at most the square of this sum of sizes in additions: a fraction of a second.
_MAX_TOTAL = 20_000
NUM_FLIPS = 20_000
_MOST_PARTS = 10**9


@dataclass(frozen=True)
class SignFlip:
    """A two-sided p-value; exact, or from a sample of sign choices."""

    p_value: float
    is_exact: bool


def whole_differences(base: ProblemScores, other: ProblemScores, problems: list[str]) -> Integers:
    """Return the differences of shares, other minus base, as whole multiples of one unit.

    The unit divides 1 / (number of samples) of every problem, so sums of differences are compared without rounding;
    where no such unit of at least 1e-9 exists, they are rounded to 1e-9.
    """
    parts = min(math.lcm(*(scores[name][1] for scores in (base, other) for name in problems)), _MOST_PARTS)
    differences = [round(parts * Fraction(*other[name])) - round(parts * Fraction(*base[name])) for name in problems]
    common = math.gcd(*differences) or 1
    return np.array([difference // common for difference in differences], dtype=np.int64)


def sign_flip_test(differences_N: Integers, *, seed: int = 0, max_total: int = _MAX_TOTAL) -> SignFlip:
    """Return the p-value of paired differences; 1 where all are 0.

    The exact count is a convolution, not a walk over all 2^N choices. It is left for 20,000 seeded choices where
    differences have no small common unit; the p-value is then (1 + as far) / (1 + choices), which is never 0.
    """
    sizes = np.abs(differences_N[differences_N != 0])
    if len(sizes) == 0:
        return SignFlip(1.0, is_exact=True)
    observed, total = abs(int(differences_N.sum())), int(sizes.sum())
    if total <= max_total:
        return SignFlip(_exact(sizes, observed, total), is_exact=True)
    signs = np.random.default_rng(seed).integers(0, 2, size=(NUM_FLIPS, len(sizes)), dtype=np.int8) * 2 - 1
    num_as_far = int(np.count_nonzero(np.abs(signs @ sizes) >= observed))
    return SignFlip((1 + num_as_far) / (1 + NUM_FLIPS), is_exact=False)


def least_p_value(num_problems: int) -> float:
    """Return the smallest p-value that the test can give for a number of problems that all differ."""
    return min(1.0, 2.0 ** (1 - num_problems))


def _exact(sizes: Integers, observed: int, total: int) -> float:
    """Return P(|sum of signed sizes| >= observed), from the distribution of the sum of sizes with a plus.

    Sizes that are equal enter together: their number with a plus is binomial.
    """
    chances = np.ones(1)
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        kernel = np.zeros(size * count + 1)
        kernel[::size] = [math.comb(count, plus) / 2 ** int(count) for plus in range(count + 1)]
        chances = np.convolve(chances, kernel)
    sums = 2 * np.arange(total + 1) - total
    return min(1.0, float(chances[np.abs(sums) >= observed].sum()))
