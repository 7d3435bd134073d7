"""A plug-in for runs of a random model: a reward that differs between its completions, so that something is learnt."""

from leanrl.rewards.registry import reward
from leanrl.types import Sample


@reward("variety")
def variety(sample: Sample) -> float:
    """Return the fraction of distinct characters."""
    return len(set(sample.text)) / max(1, len(sample.text))
