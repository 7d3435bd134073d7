"""The plug-ins of a step as a person meets them: seam, name, what they do, and their options."""

import inspect
from dataclasses import dataclass, replace
from typing import Any

from leanrl.config.keys import Key
from leanrl.config.options import option_key
from leanrl.config.sections.algorithm import Seam
from leanrl.seams.registry import known_plugins, option_parameters

# As a step takes them (seams/protocols.py).
IN_ORDER: tuple[Seam, ...] = (
    "choose_prompts", "plan_rollouts", "keep_rows", "refill", "advantage", "credit_tokens", "token_weights",
    "correction", "after_step",
)  # fmt: skip


@dataclass(frozen=True)
class PluginInfo:
    """One plug-in that a config can name; an option without a default has to be set."""

    seam: Seam
    name: str
    about: str
    options: dict[str, Any]
    required_options: tuple[str, ...]


def list_plugins() -> list[PluginInfo]:
    """Return every registered plug-in: by seam in the order of a step, then by name."""
    infos = []
    for seam in IN_ORDER:
        for name, maker in known_plugins(seam).items():
            parameters = option_parameters(maker)
            empty = inspect.Parameter.empty
            infos.append(
                PluginInfo(
                    seam=seam,
                    name=name,
                    about=(inspect.getdoc(maker) or "").partition("\n\n")[0].replace("\n", " "),
                    options={one: found.default for one, found in parameters.items() if found.default is not empty},
                    required_options=tuple(one for one, found in parameters.items() if found.default is empty),
                )
            )
    return infos


def option_keys() -> dict[str, Key]:
    """Return `algorithm.<seam>.name` and the options of each seam's plug-ins as keys, by dotted name."""
    keys: dict[str, Key] = {}
    for seam in IN_ORDER:
        where, makers = f"algorithm.{seam}", known_plugins(seam)
        if makers:
            keys[f"{where}.name"] = replace(option_key(f"{where}.name", str, None), choices=tuple(makers))
        for maker in makers.values():
            for name, parameter in option_parameters(maker).items():
                default = None if parameter.default is inspect.Parameter.empty else parameter.default
                keys[f"{where}.{name}"] = option_key(f"{where}.{name}", parameter.annotation, default)
    return keys
