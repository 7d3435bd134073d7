"""What an environment gives to a run: rows, reward functions and their weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leanrl.errors import ConfigError


@dataclass(frozen=True)
class EnvironmentTask:
    """What `leanrl.pipeline.train` takes: `rows=`, `rewards=`, and the weights for `config.rewards`."""

    rows: list[dict[str, Any]]
    rewards: Mapping[str, Callable[..., Any]]
    weights: Mapping[str, float]


def pays_for_nothing(name: str, what: str) -> ConfigError:
    return ConfigError(f"{name} pays for nothing: {what} has no function with a weight.")
