"""A sample for a case table: everything a reward may look at, with defaults."""

from leanrl.types import Reason, Sample, Verdict


def make_sample(
    text: str = "", *, reason: Reason | None = None, num_tokens: int = 10, max_completion_tokens: int = 100
) -> Sample:
    """Return a sample with this text, and a verdict if a reason is given."""
    return Sample(
        problem="What is 2 + 2?",
        gold="4",
        text=text,
        num_tokens=num_tokens,
        max_completion_tokens=max_completion_tokens,
        is_truncated=num_tokens >= max_completion_tokens,
        verdict=None if reason is None else Verdict(reason, seconds=0.01),
    )
