"""pass@j: the chance that at least one of j samples is right, estimated from k >= j samples a problem."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leanrl.eval.scores.problem_scores import ProblemScores, require_possible
from leanrl.eval.scores.standard_errors import problem_se

_STEP = 4


@dataclass(frozen=True)
class Estimate:
    """A mean over problems with its two standard errors; None where the data cannot tell one."""

    value: float
    sampling_se: float | None
    problem_se: float | None


def pass_at_one_problem(num_correct: int, num_samples: int, draws: int) -> float:
    """Return the unbiased estimate 1 - C(k - c, j) / C(k, j) for c right ones of k samples and j draws.

    Source: Chen et al. 2021, arXiv 2107.03374, eq. 1.

    Raises:
        ValueError: for more draws than samples: no estimate without bias exists there.
    """
    if not 1 <= draws <= num_samples:
        raise ValueError(f"pass@{draws} needs {draws} samples of a problem, and it has {num_samples}")
    return 1 - math.comb(num_samples - num_correct, draws) / math.comb(num_samples, draws)


def pass_at(scores: ProblemScores, draws: int) -> Estimate:
    """Return pass@j over all problems.

    The sampling error takes a problem's right samples as binomial with the fraction that was seen, and scales the
    variance by k / (k - 1): for j = 1 that is the unbiased variance. It is a lower estimate for j near k, where a
    problem that was never solved counts as one that never will be.
    """
    require_possible(scores)
    values = np.array([pass_at_one_problem(correct, samples, draws) for correct, samples in scores.values()])
    return Estimate(float(values.mean()), _sampling_se(scores, draws), problem_se(values))


def draws_to_report(num_samples: int) -> Sequence[int]:
    """Return the j to report for k samples: powers of four up to k, and k."""
    powers = [_STEP**power for power in range(num_samples.bit_length()) if _STEP**power < num_samples]
    return [*powers, num_samples]


def _sampling_se(scores: ProblemScores, draws: int) -> float | None:
    if any(samples < 2 for _, samples in scores.values()):
        return None
    variances = {pair: _variance(*pair, draws) for pair in set(scores.values())}
    return math.sqrt(sum(variances[pair] for pair in scores.values())) / len(scores)


def _variance(num_correct: int, num_samples: int, draws: int) -> float:
    """Return the variance of one problem's estimate over new samples, exact for the fraction that was seen."""
    share = num_correct / num_samples
    counts = range(num_samples + 1)
    chances = np.array([math.comb(num_samples, c) * share**c * (1 - share) ** (num_samples - c) for c in counts])
    values = np.array([pass_at_one_problem(c, num_samples, draws) for c in counts])
    plug_in = float(chances @ values**2 - (chances @ values) ** 2)
    return max(0.0, plug_in) * num_samples / (num_samples - 1)
