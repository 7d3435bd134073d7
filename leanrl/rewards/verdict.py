"""The verdict a graded reward stands on."""

from leanrl.types import Sample, Verdict


def require_verdict(sample: Sample) -> Verdict:
    """Return the sample's verdict.

    Raises:
        ValueError: if there is none, because the reward was registered without `grade=`.
    """
    if sample.verdict is None:
        raise ValueError('The sample has no verdict: register the reward with `grade="strict"` or another mode.')
    return sample.verdict
