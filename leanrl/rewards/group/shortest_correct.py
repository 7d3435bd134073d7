"""A reward for the shortest right answer of a prompt's group."""

from collections.abc import Sequence

from leanrl.types import Sample


def shortest_correct(samples: Sequence[Sample]) -> list[float]:
    """Return 1.0 for each right completion with the fewest tokens among the right ones of its group, else 0.0.

    Source: ours; the simplest member of the family of length rewards that compare a completion with its own group
    (ShorterBetter, arXiv 2504.21370, rewards closeness to the shortest right length).
    """
    lengths = [sample.num_tokens for sample in samples if _is_correct(sample)]
    return [float(_is_correct(sample) and sample.num_tokens == min(lengths)) for sample in samples]


def _is_correct(sample: Sample) -> bool:
    return sample.verdict is not None and sample.verdict.correct
