"""Lengths of completions as they were sampled: what the plan's time rests on."""

from leanrl.config.sections.field_types import Fraction, Positive, PositiveInt
from leanrl.config.sections.section import Section, key

# The spread that is assumed where none is known: standard deviation over mean of the lengths without a limit.
ASSUMED_CV = 0.6


class LengthsConfig(Section):
    """Mean, spread and fraction cut of sampled completions. Training does not read them."""

    mean_tokens: Positive | None = key(
        None,
        "mean tokens of a completion, cut ones included; null: unknown, the plan gives 25, 50 and 80 % of the limit",
    )
    cv: Positive = key(ASSUMED_CV, "standard deviation / mean of the lengths that completions have without a limit")
    cut_share: Fraction | None = key(
        None, "fraction of completions that the limit cuts; null: what mean and cv leave beyond it"
    )
    limit_tokens: PositiveInt | None = key(
        None, "limit under which they were sampled; null takes rollout.max_completion_tokens"
    )
    source: str | None = key(None, "where these numbers are from; the plan prints it")


def length_contradiction(mean_tokens: float, limit_tokens: int, cut_share: float | None) -> str | None:
    """Return why no completions have this mean and this fraction at the limit, or None."""
    if not 0 < mean_tokens <= limit_tokens:
        return f"a mean of {mean_tokens:g} tokens is not between 0 and the limit of {limit_tokens}"
    if cut_share is None or cut_share in (0.0, 1.0):
        is_whole = cut_share == 1.0 and mean_tokens < limit_tokens
        return f"where all are cut, their mean is the limit of {limit_tokens} tokens" if is_whole else None
    if not 0 < cut_share < 1:
        return f"{cut_share:g} is no fraction"
    if mean_tokens <= cut_share * limit_tokens:
        least = cut_share * limit_tokens
        return f"the {cut_share:.0%} that are cut alone make a mean of {least:.0f} tokens, above {mean_tokens:g}"
    return None
