"""A checkpoint chosen among several on held-out problems, and how good the best of equal ones looks by luck."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from leanrl.eval.compare.difference import Difference, paired_difference
from leanrl.eval.scores.problem_scores import Floats, ProblemScores, shares_of

_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True)
class BestByLuck:
    """The score of the best of equal checkpoints: its mean and its 5 to 95 % range, beside the score they all have."""

    num_checkpoints: int
    equal_score: float
    mean: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """What choosing the best adds to the score of each, though none is better."""
        return self.mean - self.equal_score


@dataclass(frozen=True)
class Round:
    """One round of successive halving: how many candidates have how many samples a problem when it ends."""

    num_candidates: int
    num_samples: int


@dataclass(frozen=True)
class Standing:
    """A candidate after a round; `behind_leader` is its paired difference from the best one, None for that one."""

    name: str
    accuracy: float
    behind_leader: Difference | None
    is_kept: bool


def best_of_equal(pass_rates_N: Sequence[float], *, num_samples: int, num_checkpoints: int) -> BestByLuck:
    """Return how the best avg@k of m checkpoints is distributed that all have the same pass rate on each problem.

    The problems stay; only samples differ. The distribution is exact: that of a sum of binomial counts, to the power m.
    Pass rates that are estimated from few samples make the noise look smaller by (k - 1) / k; pool all checkpoints.

    Raises:
        ValueError: without problems, samples or checkpoints, or for a rate outside [0, 1].
    """
    if not len(pass_rates_N) or min(num_samples, num_checkpoints) < 1:
        raise ValueError("problems, samples and checkpoints must be 1 or more each")
    if not all(0 <= rate <= 1 for rate in pass_rates_N):
        raise ValueError("pass rates must lie in [0, 1]")
    best = np.cumsum(_chances_of_counts(pass_rates_N, num_samples)) ** num_checkpoints
    scores = np.arange(len(best)) / (len(best) - 1)
    return BestByLuck(
        num_checkpoints=num_checkpoints,
        equal_score=float(np.mean(pass_rates_N)),
        mean=float(np.diff(best, prepend=0.0) @ scores),
        low=float(scores[np.searchsorted(best, _LOW)]),
        high=float(scores[np.searchsorted(best, _HIGH)]),
    )


def best_of_equal_normal(score: float, deviation: float, *, num_checkpoints: int) -> BestByLuck:
    """Return the same from a score and its standard deviation over seeds, taken as normal: for published numbers."""
    if num_checkpoints < 1 or deviation < 0:
        raise ValueError("there must be a checkpoint, and the deviation must be 0 or more")
    grid = np.linspace(-8, 8, 4001)
    best = np.array([NormalDist().cdf(point) for point in grid]) ** num_checkpoints
    mean = float(np.diff(best) @ (grid[1:] + grid[:-1]) / 2)
    low, high = (NormalDist().inv_cdf(share ** (1 / num_checkpoints)) for share in (_LOW, _HIGH))
    return BestByLuck(
        num_checkpoints, score, score + mean * deviation, score + low * deviation, score + high * deviation
    )


def luck_of(candidates: Mapping[str, ProblemScores]) -> BestByLuck:
    """Return how the best of these candidates would look if all had their pooled pass rates.

    The candidates are compared at the fewest samples that a problem of any of them has.
    """
    num_samples = min(samples for scores in candidates.values() for _, samples in scores.values())
    return best_of_equal(pooled_pass_rates(candidates), num_samples=num_samples, num_checkpoints=len(candidates))


def pooled_pass_rates(candidates: Mapping[str, ProblemScores]) -> list[float]:
    """Return the fraction of right samples of each problem over all candidates, for problems that all of them have."""
    shared = _shared_problems(candidates)
    totals = [np.sum([scores[name] for scores in candidates.values()], axis=0) for name in shared]
    return [float(correct / samples) for correct, samples in totals]


def halving_rounds(num_candidates: int, *, num_samples: int) -> list[Round]:
    """Return the rounds of successive halving: half the candidates stay, and each then has twice the samples.

    Source: Karnin, Koren and Somekh 2013, ICML; Jamieson and Talwalkar 2016, arXiv 1502.07943.

    Args:
        num_samples: samples a problem that every candidate gets in the first round.
    """
    if min(num_candidates, num_samples) < 1:
        raise ValueError("candidates and samples must be 1 or more each")
    rounds = [Round(num_candidates, num_samples)]
    while rounds[-1].num_candidates > 2:
        rounds.append(Round(math.ceil(rounds[-1].num_candidates / 2), 2 * rounds[-1].num_samples))
    return rounds


def standings(candidates: Mapping[str, ProblemScores], *, num_kept: int) -> list[Standing]:
    """Return the candidates of a round, the best first; the `num_kept` best stay.

    Of those, a candidate goes where the whole interval of its paired difference from the leader is below 0. Of equal
    candidates the one that is named first leads: of checkpoints, that has trained least.

    Raises:
        ValueError: if there are no candidates, or no problem that all of them have.
    """
    shared = _shared_problems(candidates)
    common = {name: {problem: scores[problem] for problem in shared} for name, scores in candidates.items()}
    accuracies = {name: float(shares_of(scores).mean()) for name, scores in common.items()}
    ranked = sorted(common, key=lambda name: -accuracies[name])
    leader = ranked[0]
    found = [Standing(leader, accuracies[leader], None, is_kept=num_kept > 0)]
    for rank, name in enumerate(ranked[1:], start=1):
        behind = paired_difference("held out", common[leader], common[name])
        found.append(Standing(name, accuracies[name], behind, is_kept=rank < num_kept and behind.interval.high >= 0))
    return found


def _shared_problems(candidates: Mapping[str, ProblemScores]) -> list[str]:
    if not candidates:
        raise ValueError("there must be a candidate")
    shared = sorted(set.intersection(*(set(scores) for scores in candidates.values())))
    if not shared:
        raise ValueError("the candidates share no problem")
    return shared


def _chances_of_counts(pass_rates_N: Sequence[float], num_samples: int) -> Floats:
    """Return the chance of each number of right answers, 0 to N k."""
    counts = range(num_samples + 1)
    chances = np.ones(1)
    for rate in pass_rates_N:
        one = [math.comb(num_samples, count) * rate**count * (1 - rate) ** (num_samples - count) for count in counts]
        chances = np.convolve(chances, one)
    return np.asarray(chances / chances.sum(), dtype=np.float64)
