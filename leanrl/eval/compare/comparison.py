"""Two evaluations compared on all their benchmarks: corrected p-values, and what the design could have seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from leanrl.eval.compare.design import (
    ALPHA,
    problems_needed,
    samples_needed,
    smallest_difference,
    smallest_normal_difference,
)
from leanrl.eval.compare.difference import Difference, paired_differences
from leanrl.eval.compare.holm import holm
from leanrl.eval.scores.intervals import Interval
from leanrl.eval.scores.problem_scores import ProblemScores


@dataclass(frozen=True)
class Finding:
    """A difference with what it shows among all that were tested together.

    `smallest_seen` is at the level that Holm gives the first of all tests, `smallest_seen_alone` at 5 %.
    """

    difference: Difference
    p_holm: float
    smallest_seen: float | None
    smallest_seen_alone: float | None
    samples_needed: int | None
    problems_needed: int | None

    @property
    def is_shown(self) -> bool:
        return self.p_holm <= ALPHA


@dataclass(frozen=True)
class MacroDifference:
    """The plain mean of the differences over benchmarks, which are taken as they are; a normal interval."""

    value: float
    error: float
    interval: Interval
    p_value: float
    smallest_seen: float


@dataclass(frozen=True)
class Comparison:
    """What one evaluation shows against the base; `num_tests` were corrected together."""

    findings: Sequence[Finding]
    macro: MacroDifference
    num_tests: int


def compare(base: Mapping[str, ProblemScores], other: Mapping[str, ProblemScores], *, seed: int = 0) -> Comparison:
    """Compare two evaluations from the counts of each problem, paired on the problems that both have.

    Raises:
        ValueError: if no benchmark has a problem in both.
    """
    (found,) = compare_all([paired_differences(base, other, seed=seed)])
    return found


def compare_all(contrasts: Sequence[Sequence[Difference]]) -> list[Comparison]:
    """Return a comparison for each contrast; all tests of all contrasts are corrected together by Holm.

    Raises:
        ValueError: for a contrast without a difference.
    """
    if not all(contrasts):
        raise ValueError("the evaluations share no problem of any benchmark")
    corrected = iter(holm([one.p_value for differences in contrasts for one in differences]))
    num_tests = sum(map(len, contrasts))
    return [
        Comparison([_finding(one, next(corrected), num_tests) for one in differences], _macro(differences), num_tests)
        for differences in contrasts
    ]


def _finding(one: Difference, p_holm: float, num_tests: int) -> Finding:
    smallest = _smallest(one, ALPHA / num_tests)
    samples = problems = None
    if smallest is not None:
        samples = samples_needed(
            one.value,
            smallest=smallest,
            error=one.error,
            sampling_error=one.sampling_se,
            num_samples=max(one.num_samples),
        )
        if one.problem_se is not None:
            problems = problems_needed(one.value, smallest=smallest, num_problems=one.num_problems)
    return Finding(one, p_holm, smallest, _smallest(one, ALPHA), samples, problems)


def _smallest(one: Difference, alpha: float) -> float | None:
    if one.problem_se is None:
        return smallest_normal_difference(one.error, alpha=alpha)
    return smallest_difference(one.error, num_problems=one.num_problems, alpha=alpha)


def _macro(differences: Sequence[Difference]) -> MacroDifference:
    value = float(np.mean([one.value for one in differences]))
    error = float(np.sqrt(sum(one.error**2 for one in differences))) / len(differences)
    half = NormalDist().inv_cdf(1 - ALPHA / 2) * error
    p_value = 2 * NormalDist().cdf(-abs(value) / error) if error else 1.0
    interval = Interval(value - half, value + half, "normal")
    return MacroDifference(value, error, interval, p_value, smallest_normal_difference(error))
