"""How many of its samples each problem answered right: what every number of an evaluation is computed from."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

# problem id -> (num_correct, num_samples)
ProblemScores = Mapping[str, tuple[int, int]]
Floats = NDArray[np.float64]


def shares_of(scores: ProblemScores) -> Floats:
    """Return the fraction of right samples of each problem, in the order of the mapping.

    Raises:
        ValueError: for a problem without samples, or with more right samples than samples.
    """
    require_possible(scores)
    return np.array([correct / samples for correct, samples in scores.values()], dtype=np.float64)


def require_possible(scores: ProblemScores) -> None:
    """Check that every problem has samples, and no more right ones than it has."""
    if not scores:
        raise ValueError("an evaluation has at least one problem, this one has none")
    for name, (correct, samples) in scores.items():
        if samples < 1 or not 0 <= correct <= samples:
            raise ValueError(f"problem {name!r} cannot have {correct} right samples of {samples}")
