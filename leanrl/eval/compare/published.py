"""Differences where a side is published as a mean alone: a z test, without pairs of problems."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from leanrl.eval.compare.difference import Difference
from leanrl.eval.compare.reference import Published
from leanrl.eval.scores.intervals import Interval
from leanrl.eval.scores.problem_scores import ProblemScores, shares_of
from leanrl.eval.scores.standard_errors import sampling_se

_NORMAL = NormalDist()
# The standard deviation of fewer draws is itself a rough estimate.
_FEW_DRAWS = 10


@dataclass(frozen=True)
class Summary:
    """A mean with the standard error of its sampling, where problems stay.

    An error that is no more than binomial is an upper estimate: it takes every problem for equally hard.
    """

    mean: float
    error: float
    num_samples: int
    is_binomial: bool
    draws_are_assumed: bool = False
    is_rough: bool = False


def summary_of_published(published: Published, *, num_problems: int) -> Summary:
    """Return a published mean with its error: from the deviation over draws, else sqrt(p (1 - p) / (N draws))."""
    draws, assumed = published.num_draws, published.draws_are_assumed
    if published.deviation is not None and draws > 1:
        error = published.deviation / math.sqrt(draws)
        return Summary(
            published.mean,
            error,
            draws,
            is_binomial=False,
            draws_are_assumed=assumed,
            is_rough=draws < _FEW_DRAWS,
        )
    error = _binomial(published.mean, num_problems * draws)
    return Summary(published.mean, error, draws, is_binomial=True, draws_are_assumed=assumed)


def summary_of_counts(scores: ProblemScores) -> Summary:
    """Return avg@k with its error of sampling, or the binomial one where problems have a single sample."""
    mean = float(shares_of(scores).mean())
    samples = sorted(number for _, number in scores.values())
    error = sampling_se(scores)
    if error:
        return Summary(mean, error, samples[len(samples) // 2], is_binomial=False)
    return Summary(mean, _binomial(mean, sum(samples)), samples[len(samples) // 2], is_binomial=True)


def z_difference(benchmark: str, base: Summary, other: Summary, *, num_problems: int) -> Difference:
    """Return the difference of two means, with the errors taken as independent and known."""
    error = math.hypot(base.error, other.error)
    value = other.mean - base.mean
    half = _NORMAL.inv_cdf(0.975) * error
    notes = ["binomial error: an upper estimate"] * (base.is_binomial or other.is_binomial)
    notes += ["deviations of fewer than 10 draws are taken as exact: p is too small"] * (
        base.is_rough or other.is_rough
    )
    notes += ["numbers of draws are assumed"] * (base.draws_are_assumed or other.draws_are_assumed)
    return Difference(
        benchmark=benchmark,
        num_problems=num_problems,
        num_left_out=0,
        num_samples=(base.num_samples, other.num_samples),
        base=base.mean,
        other=other.mean,
        sampling_se=error,
        problem_se=None,
        interval=Interval(value - half, value + half, "z"),
        p_value=2 * _NORMAL.cdf(-abs(value) / error),
        test="z",
        note="; ".join(notes),
    )


def z_differences(
    base: Mapping[str, Summary], other: Mapping[str, Summary], *, num_problems: Mapping[str, int]
) -> list[Difference]:
    """Return the z tests of all benchmarks that both have, in the order of the base."""
    return [
        z_difference(name, summary, other[name], num_problems=num_problems[name])
        for name, summary in base.items()
        if name in other
    ]


def _binomial(mean: float, num_answers: int) -> float:
    """Return the standard error of a fraction; near 0 and 1 of one with two more right and two more wrong answers."""
    share = (mean * num_answers + 2) / (num_answers + 4) if min(mean, 1 - mean) * num_answers < 1 else mean
    return math.sqrt(share * (1 - share) / num_answers)
