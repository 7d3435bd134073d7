"""Rewards as a run uses them: options bound, a weight, and what has to be done before they are called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from leanrl.types import GradeMode, GroupFacts, Sample

# None stands for a completion that a reward skips.
Score = float | None


@dataclass(frozen=True)
class WeightedReward:
    """A reward of one completion at a time.

    `grade_mode` is how the grader judges the answer before the call. `columns` are the names of the dataset's columns
    that the reward reads; None stands for all of them.
    """

    name: str
    weight: float
    grade_mode: GradeMode | None
    score: Callable[[Sample], Score]
    columns: frozenset[str] | None = frozenset()


class ScoreGroup(Protocol):
    """What scores the completions of one prompt."""

    def __call__(self, samples: Sequence[Sample], facts: GroupFacts | None = None) -> list[Score]:
        """Return one number for each sample; without facts the prompt has no history, and the reward no state."""
        ...


@dataclass(frozen=True)
class WeightedGroupReward:
    """The same for a reward that sees all completions of a prompt at once, and returns one number for each.

    `score_group` takes the samples and, for rewards with history or state, the prompt's facts.
    """

    name: str
    weight: float
    grade_mode: GradeMode | None
    score_group: ScoreGroup
    columns: frozenset[str] | None = frozenset()


@dataclass(frozen=True)
class WeightedBatchReward:
    """The same for a reward of TRL's kind, which sees all completions of a rank at once and is not graded.

    `score_batch` takes the samples and what the trainer offers beside them: `trainer_state`, `log_extra`, `log_metric`.
    """

    name: str
    weight: float
    score_batch: Callable[[Sequence[Sample], Mapping[str, Any]], list[Score]]
    columns: frozenset[str] | None = frozenset()
    grade_mode: GradeMode | None = None


Reward = WeightedReward | WeightedGroupReward | WeightedBatchReward


def columns_of(rewards: Sequence[Reward]) -> frozenset[str] | None:
    """Return the names of the columns that rewards read; None where one of them may read any."""
    asked = [reward.columns for reward in rewards]
    named = [columns for columns in asked if columns is not None]
    return frozenset().union(*named) if len(named) == len(asked) else None
