"""Completions scored: graded together, and handed to every reward.

Axes: B completions, K rewards.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from types import MappingProxyType
from typing import Any

from leanrl.rewards.weighted import Reward, Score, WeightedBatchReward, WeightedGroupReward
from leanrl.types import GradeMode, Grader, GradeRequest, Sample, Verdict

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Scores:
    """Rewards by completion and reward, None where one skips, and the verdict that the first graded reward saw."""

    rewards_B_K: list[list[Score]]
    verdicts_B: list[Verdict | None]

    @property
    def numbers(self) -> list[list[float]]:
        """The rewards by completion and reward as TRL wants them: NaN where one skips."""
        return [[nan if score is None else score for score in row] for row in self.rewards_B_K]


@dataclass(frozen=True)
class Ranks:
    """How this rank's completions lie among those of all ranks, where groups are contiguous but may straddle ranks.

    `gather` returns the samples of all ranks in the order of the ranks, each with equally many.
    """

    group_size: int
    index: int
    gather: Callable[[list[Sample]], list[Sample]]


def score_samples(
    samples: Sequence[Sample],
    *,
    rewards: Sequence[Reward],
    grader: Grader,
    ranks: Ranks,
    offers: Mapping[str, Any] = _NOTHING,
) -> Scores:
    """Grade every sample once for each grade mode in use and apply each reward to it, or to its whole group.

    The grader sees the tag that the prompt has opened before each completion, or a box in thoughts that were cut off
    would count. `offers` is what the trainer hands rewards of TRL's kind beside the completions.
    """
    modes = list(dict.fromkeys(reward.grade_mode for reward in rewards if reward.grade_mode is not None))
    graded = _grade(samples, modes, grader)
    columns = [_column(graded[reward.grade_mode], reward, ranks, offers) for reward in rewards]
    first = [sample.verdict for sample in graded[modes[0]]] if modes else [None] * len(samples)
    return Scores(rewards_B_K=[list(row) for row in zip(*columns, strict=True)], verdicts_B=first)


def _grade(
    samples: Sequence[Sample], modes: Sequence[GradeMode], grader: Grader
) -> dict[GradeMode | None, list[Sample]]:
    """Return the samples by grade mode, each with its verdict; under None they have none."""
    requests = [
        GradeRequest(completion=sample.opened_tag + sample.text, gold=sample.gold, mode=mode, problem=sample.problem)
        for mode in modes
        for sample in samples
    ]
    verdicts = iter(grader.grade(requests) if requests else [])
    graded: dict[GradeMode | None, list[Sample]] = {None: list(samples)}
    for mode in modes:
        graded[mode] = [replace(sample, verdict=next(verdicts)) for sample in samples]
    return graded


def _column(samples: list[Sample], reward: Reward, ranks: Ranks, offers: Mapping[str, Any]) -> list[Score]:
    if isinstance(reward, WeightedGroupReward):
        return _group_column(samples, reward, ranks)
    if isinstance(reward, WeightedBatchReward):
        return reward.score_batch(samples, offers)
    return [reward.score(sample) for sample in samples]


def _group_column(samples: list[Sample], reward: WeightedGroupReward, ranks: Ranks) -> list[Score]:
    """Return this rank's part of a group reward; every rank computes all groups from the same gathered samples."""
    everybody = ranks.gather(samples)
    scores = [
        score
        for start in range(0, len(everybody), ranks.group_size)
        for score in reward.score_group(everybody[start : start + ranks.group_size])
    ]
    first = ranks.index * len(samples)
    return scores[first : first + len(samples)]
