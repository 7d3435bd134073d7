"""Reward functions of TRL's or verifiers' kind in a user's file, which need no `@reward`."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from leanrl.rewards.custom.signature import kind_of
from leanrl.rewards.registry import registered_rewards, reward


def adopt_functions(names: Mapping[str, Any], *, taken: Collection[Any] = ()) -> None:
    """Register the functions of TRL's or verifiers' kind among the names of a file, under these names.

    A name that begins with an underscore is left out, and so is a function that is registered already.

    Args:
        names: what the file defines and imports.
        taken: functions that are something else than rewards.

    Raises:
        ConfigError: if a name is that of another reward.
    """
    known = {id(function) for function, *_ in registered_rewards().values()} | {id(one) for one in taken}
    for name, value in names.items():
        is_function = callable(value) and not inspect.isclass(value) and id(value) not in known
        if is_function and not name.startswith("_") and kind_of(value) != "sample":
            reward(name)(value)
