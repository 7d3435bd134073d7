"""A user's reward tried on one completion before a model is loaded: most mistakes show at the first call."""

from types import SimpleNamespace
from typing import Any

from leanrl.errors import RewardError
from leanrl.preflight.intent import Intent
from leanrl.rewards.registry import is_shipped
from leanrl.rewards.weighted import Reward, WeightedBatchReward, WeightedGroupReward
from leanrl.types import ProblemSet, Sample, Verdict

_NUM_TOKENS = 8


def try_rewards(rewards: list[Reward], problems: ProblemSet, intent: Intent) -> list[RewardError]:
    """Return what every reward of the user's own says of a right answer to the first problem, where it fails."""
    failures = []
    for reward in rewards:
        if is_shipped(reward.name) and reward.name not in intent.rewards:
            continue
        sample = _right_answer(reward, problems, intent)
        several = [sample] * intent.config.train.num_completions
        try:
            if isinstance(reward, WeightedGroupReward):
                reward.score_group(several)
            elif isinstance(reward, WeightedBatchReward):
                reward.score_batch(several, _offers(intent))
            else:
                reward.score(sample)
        except RewardError as error:
            failures.append(RewardError(f"{error.message}\n  tried before the model is loaded", hint=error.hint))
    return failures


def _offers(intent: Intent) -> dict[str, Any]:
    """Return what a trainer would hand over before its first step; what is logged goes nowhere."""
    state = SimpleNamespace(global_step=0, epoch=0.0, max_steps=intent.config.train.max_steps)
    return {"trainer_state": state, "log_extra": lambda column, values: None, "log_metric": lambda name, value: None}


def _right_answer(reward: Reward, problems: ProblemSet, intent: Intent) -> Sample:
    row = problems.train[0]
    return Sample(
        problem=row.problem,
        gold=row.gold,
        text=f"\\boxed{{{row.gold}}}",
        num_tokens=_NUM_TOKENS,
        max_completion_tokens=intent.config.rollout.max_completion_tokens,
        is_truncated=False,
        verdict=None if reward.grade_mode is None else Verdict("correct", seconds=0.0),
        token_ids=range(_NUM_TOKENS),
        prompt=row.prompt,
        columns=row.columns,
    )
