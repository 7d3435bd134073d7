"""Rewards given in Python: functions and names, and the settings that turn on these and no others."""

from collections.abc import Iterable, Sequence

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.rewards.registry import registered_rewards
from leanrl.types import RewardFunction

Rewards = Sequence[RewardFunction | str]


def functions_by_name(rewards: Rewards | None) -> dict[str, RewardFunction]:
    """Return the functions among the rewards by name; a name alone stands for a registered reward.

    A function that `@reward("name")` has registered goes by that name, any other by its own.

    Raises:
        ConfigError: for a function without a name, and for two rewards of one name.
    """
    given = rewards or ()
    names = _names(given)
    return {name: one for name, one in zip(names, given, strict=True) if not isinstance(one, str)}


def reward_settings(rewards: Rewards | None, preset: RunConfig) -> list[str]:
    """Return the settings with which a run of the preset pays these rewards, each with weight 1, and no others.

    None leaves the preset's rewards as they are.

    Raises:
        ConfigError: as `functions_by_name`.
    """
    if rewards is None:
        return []
    names = _names(rewards)
    gone = [name for name in preset.rewards if name not in names]
    options = [name for name in preset.reward_options if name in gone]
    return [
        *(f"rewards.{name}=null" for name in gone),
        *(f"reward_options.{name}=null" for name in options),
        *(f"rewards.{name}=1.0" for name in names),
    ]


def _names(rewards: Rewards) -> list[str]:
    if isinstance(rewards, str) or not isinstance(rewards, Iterable):
        raise ConfigError(f"rewards is {rewards!r}, and not a list.", hint=f"rewards=[{rewards!r}]")
    names = [one if isinstance(one, str) else _name_of(one) for one in rewards]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"rewards has {', '.join(twice)} more than once.", hint="give each function a name of its own"
        )
    return names


def _name_of(function: RewardFunction) -> str:
    registered = (name for name, (known, *_) in registered_rewards().items() if known is function)
    name = next(registered, None) or getattr(function, "__name__", "")
    if not str(name).isidentifier():
        raise ConfigError(
            f"the reward {function!r} has no name, and a run keeps its numbers by the names of rewards.",
            hint="`def my_reward(sample): ...`, and rewards=[my_reward]",
        )
    return str(name)
