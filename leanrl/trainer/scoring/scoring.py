"""Completions scored: graded together, and handed to every reward.

Axes: G completions of a prompt, K rewards.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import nan
from random import Random
from typing import Any

import torch

from leanrl.algorithms.advantages import summed_rewards
from leanrl.rewards.weighted import Reward, Score, WeightedBatchReward, WeightedGroupReward
from leanrl.seams.protocols import Group
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.step.groups import Asked
from leanrl.types import GradeMode, Grader, GradeRequest, GroupFacts, Sample, Verdict

Samples = list[list[Sample]]


@dataclass(frozen=True)
class ScoredGroup:
    """The completions of one prompt with their rewards, None where one skips, and their verdicts.

    `verdicts_G` are those that the first graded reward saw, None where no reward is graded. `sums_G` are the weighted
    sums of the rewards, NaN where all of them skip.
    """

    asked: Asked
    samples_G: list[Sample]
    rewards_G_K: list[list[Score]]
    verdicts_G: list[Verdict | None]
    sums_G: list[float]

    @property
    def reward_numbers(self) -> list[list[float]]:
        """The rewards with NaN where one skips."""
        return _numbers(self.rewards_G_K)

    @property
    def correct(self) -> list[bool]:
        """Whether each completion is correct: by its verdict, or without one by a reward above 0."""
        pairs = zip(self.verdicts_G, self.sums_G, strict=True)
        return [total > 0 if verdict is None else verdict.correct for verdict, total in pairs]

    def finished(
        self,
        completion_ids_G: Sequence[Sequence[int]],
        logprobs_G: Sequence[Sequence[float]] | None,
        *,
        rng: Random,
    ) -> Group:
        """Return the group as plug-ins see it, with the tokens and log-probabilities that it was scored from."""
        return Group(
            prompt_id=self.asked.prompt_id,
            samples_G=self.samples_G,
            completion_ids_G=completion_ids_G,
            rewards_G=self.sums_G,
            correct_G=self.correct,
            rng=rng,
            rollout_logprobs_G=logprobs_G,
        )


def score_groups(
    asked: Sequence[Asked],
    samples_P_G: Samples,
    *,
    rewards: Sequence[Reward],
    grader: Grader,
    ranks: Ranks,
    history: GroupFacts,
    offers: Mapping[str, Any],
) -> list[ScoredGroup]:
    """Grade every sample once for each grade mode in use and apply each reward to it, or to its whole group.

    The grader sees the tag that the prompt has opened before each completion, or a box in thoughts that were cut off
    would count. `history` has the ledger as it was before these groups and the states of rewards by name, `offers` is
    what the trainer hands rewards of TRL's kind beside the completions.
    """
    modes = list(dict.fromkeys(reward.grade_mode for reward in rewards if reward.grade_mode is not None))
    graded = _grade(samples_P_G, modes, grader)
    columns = [_column(asked, graded[reward.grade_mode], reward, ranks, history, offers) for reward in rewards]
    seen = graded[modes[0]] if modes else samples_P_G
    return [
        _scored(one, samples_G, [column[number] for column in columns], seen[number], rewards)
        for number, (one, samples_G) in enumerate(zip(asked, samples_P_G, strict=True))
    ]


def _scored(
    asked: Asked,
    samples_G: list[Sample],
    columns_K_G: list[list[Score]],
    seen_G: list[Sample],
    rewards: Sequence[Reward],
) -> ScoredGroup:
    rewards_G_K = [list(row) for row in zip(*columns_K_G, strict=True)]
    weights_K = torch.tensor([reward.weight for reward in rewards], dtype=torch.float32)
    sums_G = summed_rewards(torch.tensor(_numbers(rewards_G_K), dtype=torch.float32), weights_K).tolist()
    return ScoredGroup(asked, samples_G, rewards_G_K, [sample.verdict for sample in seen_G], sums_G)


def _numbers(rewards_G_K: Sequence[Sequence[Score]]) -> list[list[float]]:
    return [[nan if score is None else score for score in row] for row in rewards_G_K]


def _grade(samples_P_G: Samples, modes: Sequence[GradeMode], grader: Grader) -> dict[GradeMode | None, Samples]:
    """Return the samples by grade mode, each with its verdict; under None they have none."""
    requests = [
        GradeRequest(completion=sample.opened_tag + sample.text, gold=sample.gold, mode=mode, problem=sample.problem)
        for mode in modes
        for samples_G in samples_P_G
        for sample in samples_G
    ]
    verdicts = iter(grader.grade(requests) if requests else [])
    graded: dict[GradeMode | None, Samples] = {None: samples_P_G}
    for mode in modes:
        graded[mode] = [[replace(sample, verdict=next(verdicts)) for sample in samples_G] for samples_G in samples_P_G]
    return graded


def _column(
    asked: Sequence[Asked],
    samples_P_G: Samples,
    reward: Reward,
    ranks: Ranks,
    history: GroupFacts,
    offers: Mapping[str, Any],
) -> list[list[Score]]:
    if isinstance(reward, WeightedGroupReward):
        # Every rank computes the groups of all ranks in one order: a reward's state is the same everywhere.
        everybody, place = ranks.share(list(zip([one.prompt_id for one in asked], samples_P_G, strict=True)))
        state = history.state.setdefault(reward.name, {})
        return [
            reward.score_group(samples_G, replace(history, prompt_id=known, state=state))
            for known, samples_G in everybody
        ][place]
    if isinstance(reward, WeightedBatchReward):
        scores = iter(reward.score_batch([sample for samples_G in samples_P_G for sample in samples_G], offers))
        return [_next(scores, len(samples_G)) for samples_G in samples_P_G]
    return [[reward.score(sample) for sample in samples_G] for samples_G in samples_P_G]


def _next(scores: Iterator[Score], count: int) -> list[Score]:
    return [next(scores) for _ in range(count)]
