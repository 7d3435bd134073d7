"""The difference of two evaluations on one benchmark, from the counts of each problem."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from leanrl.eval.compare.sign_flip import sign_flip_test, whole_differences
from leanrl.eval.scores.intervals import Interval, difference_interval, difference_se
from leanrl.eval.scores.problem_scores import ProblemScores, shares_of
from leanrl.eval.scores.standard_errors import sampling_se


@dataclass(frozen=True)
class Difference:
    """Other minus base, as fractions, on one benchmark.

    `test` says how `p_value` was found: sign_flip (exact), sign_flip_sampled, or z (from published numbers).
    `sampling_se` keeps the problems, `problem_se` draws them anew; `error` is the one that interval and test rest on.
    """

    benchmark: str
    num_problems: int
    num_left_out: int
    num_samples: tuple[int, int]
    base: float
    other: float
    sampling_se: float | None
    problem_se: float | None
    interval: Interval
    p_value: float
    test: str
    note: str = ""

    @property
    def value(self) -> float:
        return self.other - self.base

    @property
    def error(self) -> float:
        error = self.sampling_se if self.problem_se is None else self.problem_se
        assert error is not None, "a difference rests on one of the two errors"
        return error


def paired_difference(benchmark: str, base: ProblemScores, other: ProblemScores, *, seed: int = 0) -> Difference:
    """Return the paired difference on the problems that both have; their order does not matter.

    Raises:
        ValueError: if they share no problem.
    """
    shared = sorted(name for name in base if name in other)
    if not shared:
        raise ValueError(f"the two evaluations share no problem of {benchmark}")
    bases, others = ({name: scores[name] for name in shared} for scores in (base, other))
    base_N, other_N = shares_of(bases), shares_of(others)
    differences_N = other_N - base_N
    test = sign_flip_test(whole_differences(bases, others, shared), seed=seed)
    return Difference(
        benchmark=benchmark,
        num_problems=len(shared),
        num_left_out=len(base) + len(other) - 2 * len(shared),
        num_samples=(_samples(bases), _samples(others)),
        base=float(base_N.mean()),
        other=float(other_N.mean()),
        sampling_se=_together(sampling_se(bases), sampling_se(others)),
        problem_se=difference_se(differences_N),
        interval=difference_interval(differences_N, seed=seed),
        p_value=test.p_value,
        test="sign_flip" if test.is_exact else "sign_flip_sampled",
    )


def paired_differences(
    base: Mapping[str, ProblemScores], other: Mapping[str, ProblemScores], *, seed: int = 0
) -> list[Difference]:
    """Return the differences on all benchmarks that share a problem, in the order of the base."""
    return [
        paired_difference(name, scores, other[name], seed=seed)
        for name, scores in base.items()
        if name in other and scores.keys() & other[name].keys()
    ]


def _samples(scores: ProblemScores) -> int:
    return int(np.median([samples for _, samples in scores.values()]))


def _together(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else float(np.hypot(one, two))
