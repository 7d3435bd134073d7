"""A sample for a case table: everything a reward may look at, with defaults."""

from collections.abc import Sequence

from leanrl.types import Reason, Sample, Verdict


def make_sample(
    text: str = "",
    *,
    reason: Reason | None = None,
    num_tokens: int = 10,
    max_completion_tokens: int = 100,
    token_ids: Sequence[int] | None = None,
    opened_tag: str = "",
) -> Sample:
    """Return a sample with this text, and a verdict if a reason is given; token ids, where given, are counted."""
    num_tokens = num_tokens if token_ids is None else len(token_ids)
    return Sample(
        problem="What is 2 + 2?",
        gold="4",
        text=text,
        num_tokens=num_tokens,
        max_completion_tokens=max_completion_tokens,
        is_truncated=num_tokens >= max_completion_tokens,
        verdict=None if reason is None else Verdict(reason, seconds=0.01),
        token_ids=token_ids or (),
        opened_tag=opened_tag,
    )
