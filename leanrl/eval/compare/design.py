"""What a comparison could have seen: its smallest difference, and the samples or problems that one asks for."""

import math
from statistics import NormalDist

from leanrl.eval.compare.sign_flip import least_p_value
from leanrl.eval.scores.student import t_quantile

ALPHA = 0.05
POWER = 0.8
_LARGEST = 1_000_000


def smallest_difference(error: float, *, num_problems: int, alpha: float = ALPHA) -> float | None:
    """Return the true difference that a paired test finds with 80 % power: (t_(1 - alpha/2) + t_0.8) errors.

    None where the test can never reach alpha: of five problems that all differ one way, its p-value is 1/16.
    """
    if least_p_value(num_problems) > alpha:
        return None
    return (t_quantile(1 - alpha / 2, num_problems - 1) + t_quantile(POWER, num_problems - 1)) * error


def smallest_normal_difference(error: float, *, alpha: float = ALPHA) -> float:
    """Return the true difference that a z test finds with 80 % power."""
    normal = NormalDist()
    return (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(POWER)) * error


def samples_needed(
    difference: float, *, smallest: float, error: float, sampling_error: float | None, num_samples: int
) -> int | None:
    """Return how many samples a problem needs for `difference` to be the smallest that is seen.

    More samples shrink the noise of sampling only. What is left of the error, the spread of true differences over
    problems, stays: None where that alone is too much, where nothing differs, or where single samples hide the noise.
    """
    if sampling_error is None or difference == 0:
        return None
    wanted = (abs(difference) * error / smallest) ** 2
    lasting = max(0.0, error**2 - sampling_error**2)
    if wanted <= lasting:
        return None
    return _whole(num_samples * min(sampling_error, error) ** 2 / (wanted - lasting))


def problems_needed(difference: float, *, smallest: float, num_problems: int) -> int | None:
    """Return how many problems of this kind would have been needed, with as many samples each."""
    return None if difference == 0 else _whole(num_problems * (smallest / difference) ** 2)


def _whole(number: float) -> int | None:
    return math.ceil(number - 1e-9) if number <= _LARGEST else None
