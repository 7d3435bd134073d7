"""95 % intervals of a mean over problems, and which kind the data can bear.

Letters: N problems.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from leanrl.eval.scores.problem_scores import Floats
from leanrl.eval.scores.student import t_quantile

LEVEL = 0.95
# From this many problems on the bootstrap needs no normal distribution of the mean; below, t is closer.
BOOTSTRAP_PROBLEMS = 100
NUM_RESAMPLES = 2000
# Below this many problems that make the spread, t and bootstrap intervals are too short: docs/evaluation.md.
FEW_PROBLEMS = 6.0
# Below this many, the spread that was seen says next to nothing of the spread that there is.
VERY_FEW_PROBLEMS = 4.0
_UPPER = 1 - (1 - LEVEL) / 2


@dataclass(frozen=True)
class Interval:
    """Bounds of a 95 % interval, and how they were found.

    `t` and `bootstrap` treat problems as drawn at random. `wilson` and `guarded_t` take their place where few problems
    make the whole spread.
    """

    low: float
    high: float
    method: str


def score_interval(shares_N: Floats, *, seed: int = 0) -> Interval:
    """Return the interval of an accuracy from the fraction of right samples of each problem.

    Where few problems make the spread, as at accuracies near 0 and 1, it is Wilson's interval over N problems, which
    counts all samples of a problem as one. So it is where a small benchmark has one sample a problem.
    """
    mean, is_small = float(shares_N.mean()), len(shares_N) < BOOTSTRAP_PROBLEMS
    is_decided = bool(np.all((shares_N == 0) | (shares_N == 1)))
    if carrying_problems(shares_N - mean) < FEW_PROBLEMS or (is_small and is_decided):
        return _wilson(mean, len(shares_N))
    found = _student(shares_N) if is_small else _bootstrap(shares_N, seed)
    return _within(found, least=0.0)


def difference_interval(differences_N: Floats, *, seed: int = 0) -> Interval:
    """Return the interval of a mean of paired differences, each between -1 and 1."""
    if is_sparse(differences_N):
        mean = float(differences_N.mean())
        half = t_quantile(_UPPER, max(1, len(differences_N) - 1)) * difference_se(differences_N)
        found = Interval(mean - half, mean + half, "guarded_t")
    elif len(differences_N) < BOOTSTRAP_PROBLEMS:
        found = _student(differences_N)
    else:
        found = _bootstrap(differences_N, seed)
    return _within(found, least=-1.0)


def difference_se(differences_N: Floats) -> float:
    """Return the standard error of a mean of paired differences over problems.

    Where few problems differ, two more guard their spread: half a problem of +m, half a one of -m, and one of 0, with m
    the largest difference that was seen. Where next to none differ they are one of +1 and one of -1. For one sample a
    problem the first is the variance of Agresti and Min 2005 (Statistics in Medicine 24, 729), without their shift of
    the mean.
    """
    num_problems = len(differences_N)
    if not is_sparse(differences_N):
        return float(np.std(differences_N, ddof=1)) / math.sqrt(num_problems)
    is_bare = _num_carrying(differences_N) < VERY_FEW_PROBLEMS
    guard = 2.0 if is_bare else float(np.abs(differences_N).max()) ** 2
    weight = num_problems + 2
    variance = (float(differences_N @ differences_N) + guard) / weight - (float(differences_N.sum()) / weight) ** 2
    return math.sqrt(variance / weight)


def is_sparse(differences_N: Floats) -> bool:
    """Whether too few problems differ for their spread to be taken as it is."""
    return _num_carrying(differences_N) < FEW_PROBLEMS


def _num_carrying(differences_N: Floats) -> float:
    """Return how many problems make the differences, or their spread about the mean where that is fewer."""
    return min(carrying_problems(differences_N), carrying_problems(differences_N - differences_N.mean()))


def carrying_problems(deviations_N: Floats) -> float:
    """Return how many problems make the sum of squares: (sum d^2)^2 / sum d^4, 0 where nothing deviates."""
    squares = deviations_N**2
    total = float(squares.sum())
    return total**2 / float(squares @ squares) if total > 1e-12 else 0.0


def _within(interval: Interval, *, least: float) -> Interval:
    """Return the part of an interval that a mean of numbers from `least` to 1 can have."""
    return replace(interval, low=max(least, interval.low), high=min(1.0, interval.high))


def _student(values_N: Floats) -> Interval:
    mean = float(values_N.mean())
    half = t_quantile(_UPPER, len(values_N) - 1) * float(np.std(values_N, ddof=1)) / math.sqrt(len(values_N))
    return Interval(mean - half, mean + half, "t")


def _bootstrap(values_N: Floats, seed: int) -> Interval:
    """Draw whole problems anew, with all their samples; the bounds are percentiles of the means."""
    values, counts = np.unique(values_N, return_counts=True)
    num_problems = len(values_N)
    drawn = np.random.default_rng(seed).multinomial(num_problems, counts / num_problems, size=NUM_RESAMPLES)
    low, high = np.quantile(drawn @ values / num_problems, [1 - _UPPER, _UPPER])
    return Interval(float(low), float(high), "bootstrap")


def _wilson(share: float, num_problems: int) -> Interval:
    """Return Wilson's score interval of a fraction, with the t quantile in place of the normal one."""
    squared = t_quantile(_UPPER, max(1, num_problems - 1)) ** 2
    centre = (share + squared / (2 * num_problems)) / (1 + squared / num_problems)
    half = math.sqrt(squared * (share * (1 - share) / num_problems + squared / (4 * num_problems**2)))
    half /= 1 + squared / num_problems
    # At 0 and 1 a bound is the fraction itself, up to rounding.
    return Interval(max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), "wilson")
