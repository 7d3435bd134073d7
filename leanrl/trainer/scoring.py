"""Completions scored: samples built, graded together, and handed to every reward.

Axes: B completions, K rewards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from leanrl.rewards.registry import WeightedReward
from leanrl.types import Grader, GradeRequest, Sample, Verdict


@dataclass(frozen=True)
class Scores:
    """Rewards by completion and reward, and the verdict that the first graded reward saw."""

    rewards_B_K: list[list[float]]
    verdicts_B: list[Verdict | None]


def score_samples(samples: Sequence[Sample], *, rewards: Sequence[WeightedReward], grader: Grader) -> Scores:
    """Grade every sample once for each grade mode in use and apply each reward to it."""
    modes = list(dict.fromkeys(reward.grade_mode for reward in rewards if reward.grade_mode is not None))
    requests = [
        GradeRequest(completion=sample.text, gold=sample.gold, mode=mode) for mode in modes for sample in samples
    ]
    verdicts = grader.grade(requests) if requests else []
    graded = {
        mode: [
            replace(sample, verdict=verdict)
            for sample, verdict in zip(samples, verdicts[i * len(samples) : (i + 1) * len(samples)], strict=True)
        ]
        for i, mode in enumerate(modes)
    }
    columns = [
        [reward.score(sample) for sample in (graded[reward.grade_mode] if reward.grade_mode else samples)]
        for reward in rewards
    ]
    first = [sample.verdict for sample in graded[modes[0]]] if modes else [None] * len(samples)
    return Scores(rewards_B_K=[list(row) for row in zip(*columns, strict=True)], verdicts_B=first)
