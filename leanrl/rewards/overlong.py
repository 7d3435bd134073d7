"""The soft punishment of completions that come close to the length limit."""

from leanrl.config.sections.field_types import PositiveInt
from leanrl.types import Sample


def overlong(
    sample: Sample, *, max_tokens: PositiveInt | None = None, cache_tokens: PositiveInt | None = None
) -> float:
    """Return 0 up to `cache_tokens` before the limit, then a value that falls linearly to -1 at the limit.

    R = 0                                      tokens <= limit - cache
    R = ((limit - cache) - tokens) / cache     up to the limit
    R = -1                                     beyond it

    Args:
        max_tokens: the limit; None takes the run's max_completion_tokens.
        cache_tokens: width of the slope; None takes a fifth of the limit, the paper's 4,096 of 20,480.

    Source: DAPO, arXiv 2503.14476, eq. 13 (soft overlong punishment).
    """
    limit_tokens = max_tokens if max_tokens is not None else sample.max_completion_tokens
    slope_tokens = min(cache_tokens if cache_tokens is not None else max(1, limit_tokens // 5), limit_tokens)
    over_tokens = sample.num_tokens - (limit_tokens - slope_tokens)
    return -min(max(over_tokens / slope_tokens, 0.0), 1.0)
