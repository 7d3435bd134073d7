"""What somebody is about to run: the configuration and what comes with it on the command line or from Python."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.rewards.weighted import Reward
from leanrl.types import ProblemSet, RewardFunction


@dataclass(frozen=True)
class Intent:
    """A run before it starts.

    Args:
        rows: problems given in Python, in place of the config's source.
        rewards: reward functions given in Python, by name.
        plugins: Python files that register rewards.
        new_run: the folder that the run will make; None where it makes none.
        run: the folder of a run that goes on; None for a new one.
        is_training: whether the run starts now; only then is a dataset fetched that is not on this machine.
    """

    config: RunConfig
    rows: Iterable[Mapping[str, Any]] | None = None
    rewards: Mapping[str, RewardFunction] = field(default_factory=dict)
    plugins: Sequence[Path] = ()
    new_run: Path | None = None
    run: Path | None = None
    is_training: bool = False


@dataclass(frozen=True)
class Ready:
    """What the checks have read: the rewards with their options, and the problems; `warnings` are for the user."""

    rewards: list[Reward]
    problems: ProblemSet
    warnings: list[str] = field(default_factory=list)
