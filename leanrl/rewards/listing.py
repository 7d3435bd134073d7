"""The rewards as a person meets them: names, what they do, and their options."""

import inspect
from dataclasses import dataclass
from typing import Any

from leanrl.rewards.custom.signature import group_option_parameters, option_parameters, required_columns
from leanrl.rewards.registry import registered_rewards
from leanrl.types import GradeMode


@dataclass(frozen=True)
class RewardInfo:
    """One reward that a config can name; an option without a default has to be set."""

    name: str
    about: str
    grade_mode: GradeMode | None
    sees_group: bool
    options: dict[str, Any]
    required_options: tuple[str, ...]
    columns: tuple[str, ...] = ()  # of the data, without which it cannot be called


def list_rewards() -> list[RewardInfo]:
    """Return every registered reward in the order of the names."""
    infos = []
    for name, (function, grade_mode, sees) in sorted(registered_rewards().items()):
        parameters = group_option_parameters(function) if sees == "group" else option_parameters(function)
        empty = inspect.Parameter.empty
        infos.append(
            RewardInfo(
                name=name,
                about=(inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " "),
                grade_mode=grade_mode,
                sees_group=sees == "group",
                options={one: found.default for one, found in parameters.items() if found.default is not empty},
                required_options=tuple(one for one, found in parameters.items() if found.default is empty),
                columns=required_columns(function) if sees in ("batch", "completion") else (),
            )
        )
    return infos
