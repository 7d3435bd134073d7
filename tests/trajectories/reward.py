"""A reward that differs between completions of a random model."""

from leanrl.rewards.registry import reward


@reward("variety")
def variety(sample):
    return len(set(sample.text)) / 16
