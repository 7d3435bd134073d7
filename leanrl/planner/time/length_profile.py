"""How long completions are: mean, spread and share that the limit cuts, and what follows for a batch of them.

Lengths are taken as lognormal, with a fraction of completions that never end. The three numbers of a profile are those
of sampled completions, after the limit has cut them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.config.sections.lengths import ASSUMED_CV, length_contradiction

# Means, as fractions of the limit, for a run of which no lengths are known.
ASSUMED_SHARES = (0.25, 0.5, 0.8)
# A smaller fraction of cut completions is not told from none: a few dozen samples do not show it.
_LEAST_CUT_SHARE = 0.01
# Spreads between which one is sought that fits a sample.
NARROWEST, WIDEST = 0.05, 2.0
_NUM_SLICES = 256
# Lengths beyond so many standard deviations of their logarithm add nothing to an integral.
_FAR = 6.0


@dataclass(frozen=True)
class LengthProfile:
    """Lengths of sampled completions in tokens, and who says so.

    Args:
        mean_tokens: mean of all completions; a cut one counts with the limit.
        limit_tokens: the limit that cut them.
        cv: standard deviation / mean of the lengths that completions would have without a limit.
        cut_share: fraction of completions that the limit cut; None takes what mean and cv leave beyond it.
        source: where the numbers are from.
        is_assumed: whether nobody has sampled any, and the mean is one of `ASSUMED_SHARES` of the limit.

    Raises:
        ValueError: if no lengths have these numbers; `length_contradiction` says why.
    """

    mean_tokens: float
    limit_tokens: int
    cv: float = ASSUMED_CV
    cut_share: float | None = None
    source: str = ""
    is_assumed: bool = False

    def __post_init__(self) -> None:
        problem = length_contradiction(self.mean_tokens, self.limit_tokens, self.cut_share)
        if problem is not None:
            raise ValueError(problem)

    @property
    def distribution(self) -> "LengthDistribution":
        return _fitted(self)

    def to_json(self, *, count: int, limit_tokens: int) -> dict[str, Any]:
        """Return what is expected of `count` completions under a limit, and where that is from."""
        lengths = self.distribution
        return {
            "mean": round(lengths.mean(limit_tokens), 1),
            "longest": round(lengths.longest(count, limit_tokens), 1),
            "cut_share": round(lengths.cut_share(limit_tokens), 3),
            "cv": self.cv,
            "is_assumed": self.is_assumed,
            "source": self.source,
        }

    def text_at(self, limit_tokens: int) -> str:
        """Return mean and fraction cut under a limit, and the source, as a part of a sentence."""
        mean, cut = self.distribution.mean(limit_tokens), self.distribution.cut_share(limit_tokens)
        source = f" ({self.source})" if self.source else ""
        return f"mean {mean:.0f} tokens of at most {limit_tokens}, {100 * cut:.0f} % cut{source}"


def profile_of(config: RunConfig) -> LengthProfile | None:
    """Return the lengths that a run expects, or None where they are unknown."""
    lengths = config.rollout.lengths
    if lengths.mean_tokens is None:
        return None
    limit = lengths.limit_tokens or config.rollout.max_completion_tokens
    return LengthProfile(lengths.mean_tokens, limit, lengths.cv, lengths.cut_share, lengths.source or "")


def profile_of_sample(lengths: Sequence[int], *, limit_tokens: int, num_cut: int, source: str) -> LengthProfile:
    """Return the profile whose mean, fraction cut and mean square are those of sampled completions.

    Args:
        lengths: tokens of each completion, its end token among them; at least one.
        limit_tokens: the limit under which they were sampled.
        num_cut: how many of them the limit cut.
        source: who sampled them.
    """
    mean, cut = fmean(lengths), num_cut / len(lengths)
    square = fmean(length**2 for length in lengths)

    def excess(cv: float) -> float:
        return LengthProfile(mean, limit_tokens, cv, cut).distribution.mean_square(limit_tokens) - square

    cv = rising_root(excess, low=NARROWEST, high=WIDEST)
    # Mean and fraction cut may leave no room for a wider spread: what is left of it is the sample's.
    left = LengthProfile(mean, limit_tokens, cv, cut).distribution.cv
    return LengthProfile(mean, limit_tokens, round(left, 3), cut, source)


def assumed_profiles(limit_tokens: int, *, cv: float = ASSUMED_CV) -> list[LengthProfile]:
    """Return what is planned for where no lengths are known: means of 25, 50 and 80 % of the limit."""
    return [LengthProfile(share * limit_tokens, limit_tokens, cv, is_assumed=True) for share in ASSUMED_SHARES]


def middle_profile(limit_tokens: int) -> LengthProfile:
    """Return the one of the assumed profiles by which settings are compared."""
    profiles = assumed_profiles(limit_tokens)
    return profiles[len(profiles) // 2]


@dataclass(frozen=True)
class LengthDistribution:
    """Lengths without a limit: lognormal, with a fraction that never ends. Tokens are real numbers here."""

    log_mean: float
    log_sd: float
    endless_share: float = 0.0

    @property
    def cv(self) -> float:
        """Standard deviation / mean of the lengths that end."""
        return math.sqrt(math.expm1(self.log_sd**2))

    def alive(self, tokens: float) -> float:
        """Fraction of completions that are longer."""
        return self.endless_share + (1 - self.endless_share) * (1 - self._ended(tokens))

    def cut_share(self, limit_tokens: float) -> float:
        return self.alive(limit_tokens)

    def mean(self, limit_tokens: float) -> float:
        """Mean length where the limit cuts."""
        return self._moment(1, limit_tokens)

    def mean_square(self, limit_tokens: float) -> float:
        """Mean of the squared length where the limit cuts; what attention over growing rows follows."""
        return self._moment(2, limit_tokens)

    def longest(self, count: int, limit_tokens: float) -> float:
        """Expected length of the longest of `count` completions: the integral of 1 - (1 - alive)^count."""
        return _longest(self, count, limit_tokens)

    def _ended(self, tokens: float) -> float:
        return _normal((math.log(tokens) - self.log_mean) / self.log_sd) if tokens > 0 else 0.0

    def _moment(self, power: int, limit_tokens: float) -> float:
        finished = (1 - self.endless_share) * _ended_moment(self, power, limit_tokens)
        return finished + self.cut_share(limit_tokens) * limit_tokens**power


@lru_cache(maxsize=4096)
def _longest(lengths: LengthDistribution, count: int, limit_tokens: float) -> float:
    """A search asks for the same batch under hundreds of settings."""
    far = min(limit_tokens, math.exp(lengths.log_mean + _FAR * lengths.log_sd))
    width = far / _NUM_SLICES
    middles = (width * (number + 0.5) for number in range(_NUM_SLICES))
    reached = width * sum(1 - (1 - lengths.alive(middle)) ** count for middle in middles)
    return reached + (limit_tokens - far) * (1 - (1 - lengths.endless_share) ** count)


def _ended_moment(lengths: LengthDistribution, power: int, limit_tokens: float) -> float:
    """Integral of length^power over the lognormal lengths below the limit."""
    mean, sd = lengths.log_mean, lengths.log_sd
    whole = math.exp(power * mean + (power * sd) ** 2 / 2)
    return whole * _normal((math.log(limit_tokens) - mean - power * sd * sd) / sd)


@lru_cache(maxsize=1024)
def _fitted(profile: LengthProfile) -> LengthDistribution:
    """Return the distribution with the mean and the fraction of a profile.

    The spread gives way where it would leave more beyond the limit than was cut. What was cut beyond that never ends.
    """
    mean, limit, cut = profile.mean_tokens, profile.limit_tokens, profile.cut_share
    sd = math.sqrt(math.log(1 + profile.cv**2))
    if mean >= limit or cut == 1:
        return LengthDistribution(math.log(limit), sd, endless_share=1.0)
    free = _of_mean(mean, sd, limit)
    if cut is None:
        return free
    allowed = max(cut, _LEAST_CUT_SHARE)
    if free.cut_share(limit) > allowed:
        return _of_cut_share(mean, allowed, limit)
    return free if cut <= _LEAST_CUT_SHARE else _with_endless(mean, sd, cut, limit)


def _of_mean(mean: float, sd: float, limit: float) -> LengthDistribution:
    log_mean = rising_root(
        lambda value: LengthDistribution(value, sd).mean(limit) - mean,
        low=math.log(mean) - sd * sd,
        high=math.log(limit) + _FAR * sd + sd * sd,
    )
    return LengthDistribution(log_mean, sd)


def _of_cut_share(mean: float, cut: float, limit: float) -> LengthDistribution:
    quantile = _normal_quantile(1 - cut)

    def having(sd: float) -> LengthDistribution:
        return LengthDistribution(math.log(limit) - quantile * sd, sd)

    return having(rising_root(lambda sd: mean - having(sd).mean(limit), low=1e-3, high=20.0))


def _with_endless(mean: float, sd: float, cut: float, limit: float) -> LengthDistribution:
    """Those below the limit have the mean that is left to them; the rest of the cut ones never end."""
    mean_of_ended = (mean - cut * limit) / (1 - cut)

    def excess(log_mean: float) -> float:
        lengths = LengthDistribution(log_mean, sd)
        return _ended_moment(lengths, 1, limit) - mean_of_ended * (1 - lengths.cut_share(limit))

    low = math.log(mean_of_ended) - sd * sd
    log_mean = rising_root(excess, low=low, high=math.log(limit) - _normal_quantile(1 - cut) * sd)
    tail = LengthDistribution(log_mean, sd).cut_share(limit)
    return LengthDistribution(log_mean, sd, endless_share=max(0.0, (cut - tail) / (1 - tail)))


def rising_root(function: Callable[[float], float], *, low: float, high: float) -> float:
    """Return where a rising function is 0, by halving; an end of the range where it is 0 nowhere."""
    for _ in range(60):
        middle = (low + high) / 2
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _normal(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))


def _normal_quantile(share: float) -> float:
    return rising_root(lambda value: _normal(value) - share, low=-8.0, high=8.0)
