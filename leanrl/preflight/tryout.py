"""A user's reward tried on one completion before a model is loaded: most mistakes show at the first call."""

from leanrl.errors import RewardError
from leanrl.preflight.intent import Intent
from leanrl.rewards.registry import WeightedGroupReward, WeightedReward, is_shipped
from leanrl.types import ProblemSet, Sample, Verdict

_NUM_TOKENS = 8


def try_rewards(
    rewards: list[WeightedReward | WeightedGroupReward], problems: ProblemSet, intent: Intent
) -> list[RewardError]:
    """Return what every reward of the user's own says of a right answer to the first problem, where it fails."""
    failures = []
    for reward in rewards:
        if is_shipped(reward.name) and reward.name not in intent.rewards:
            continue
        sample = _right_answer(reward, problems, intent)
        try:
            if isinstance(reward, WeightedGroupReward):
                reward.score_group([sample] * intent.config.train.num_completions)
            else:
                reward.score(sample)
        except RewardError as error:
            failures.append(RewardError(f"{error.message}\n  tried before the model is loaded", hint=error.hint))
    return failures


def _right_answer(reward: WeightedReward | WeightedGroupReward, problems: ProblemSet, intent: Intent) -> Sample:
    row = problems.train[0]
    return Sample(
        problem=row.problem,
        gold=row.gold,
        text=f"\\boxed{{{row.gold}}}",
        num_tokens=_NUM_TOKENS,
        max_completion_tokens=intent.config.rollout.max_completion_tokens,
        is_truncated=False,
        verdict=None if reward.grade_mode is None else Verdict("correct", seconds=0.0),
    )
