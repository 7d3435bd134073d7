"""Groups, visits and a ledger made by hand."""

from collections.abc import Mapping, Sequence
from math import isnan
from random import Random
from typing import Any

from leanrl.seams.protocols import Group, PromptContext
from leanrl.types import Sample, Visit


def make_group(
    rewards: Sequence[float],
    *,
    correct: Sequence[bool] | None = None,
    lengths: Sequence[int] | None = None,
    truncated: Sequence[bool] | None = None,
) -> Group:
    """Return a group; a completion is correct where its reward is positive, and has ten tokens, unless said."""
    lengths = lengths or [10] * len(rewards)
    truncated = truncated or [False] * len(rewards)
    return Group(
        prompt_id="a",
        samples_G=[_sample(length, cut) for length, cut in zip(lengths, truncated, strict=True)],
        completion_ids_G=[range(length) for length in lengths],
        rewards_G=list(rewards),
        correct_G=list(correct if correct is not None else [reward > 0 for reward in rewards]),
        rng=Random(0),
    )


def make_visit(correct: Sequence[bool], *, lengths: Sequence[int] | None = None, step: int = 0, epoch: int = 0):
    """Return a visit whose rewards are 1 for a correct completion, else 0."""
    lengths = tuple(lengths or [10] * len(correct))
    rewards = tuple(float(one) for one in correct)
    return Visit(step, epoch, rewards, tuple(map(bool, correct)), lengths, (False,) * len(correct))


class Visits:
    """A ledger out of visits by prompt."""

    def __init__(self, by_prompt: Mapping[str, Sequence[Visit]]) -> None:
        self._by_prompt = by_prompt

    def visits(self, prompt_id: str) -> Sequence[Visit]:
        return self._by_prompt.get(prompt_id, ())


def make_context(
    by_prompt: Mapping[str, Sequence[Visit]],
    *,
    step: int = 0,
    epoch: int = 0,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
) -> PromptContext:
    """Return a context with a generator by seed 7, step and prompt."""
    return PromptContext(
        step=step,
        epoch=epoch,
        num_wanted=4,
        ledger=Visits(by_prompt),
        rng=lambda prompt: Random(f"7/{step}/{prompt}"),
        columns=lambda prompt: (columns or {}).get(prompt, {}),
    )


def spread(rewards: Sequence[float]) -> float:
    """Return the variance (over n - 1) of rewards without NaN."""
    known = [reward for reward in rewards if not isnan(reward)]
    mean = sum(known) / len(known)
    return sum((reward - mean) ** 2 for reward in known) / (len(known) - 1)


def _sample(num_tokens: int, is_truncated: bool) -> Sample:
    return Sample(
        problem="?", gold="1", text="", num_tokens=num_tokens, max_completion_tokens=99, is_truncated=is_truncated
    )
