"""The two standard errors of a mean over problems: what other samples would change, and what other problems would.

Source of both: Miller 2024, arXiv 2411.00640, sections 2 and 3; the problem is the cluster.
"""

import math

import numpy as np

from leanrl.eval.scores.problem_scores import Floats, ProblemScores, require_possible


def problem_se(values_N: Floats) -> float | None:
    """Return the standard error of a mean over N problems that were drawn at random; None for a single problem.

    A value per problem is the mean of its samples, so the samples of a problem may depend on each other. This error
    holds the sampling noise, too: a value changes with its samples.
    """
    num_problems = len(values_N)
    if num_problems < 2:
        return None
    return float(np.std(values_N, ddof=1)) / math.sqrt(num_problems)


def sampling_se(scores: ProblemScores) -> float | None:
    """Return the standard error of avg@k where the problems stay and only the samples are drawn anew.

    A problem with c right samples of k has the variance c (k - c) / (k^2 (k - 1)), which is unbiased. None where a
    problem has a single sample: one sample does not show how much samples differ.
    """
    require_possible(scores)
    if any(samples < 2 for _, samples in scores.values()):
        return None
    variances = [correct * (samples - correct) / (samples**2 * (samples - 1)) for correct, samples in scores.values()]
    return math.sqrt(sum(variances)) / len(variances)
