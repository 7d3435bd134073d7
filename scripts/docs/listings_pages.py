"""The pages of every reward and every plug-in of a step, from their docstrings and options."""

import inspect
import json
from collections.abc import Iterable

from leanrl.rewards.listing import RewardInfo, list_rewards
from leanrl.rewards.registry import registered_rewards
from leanrl.seams.listing import PluginInfo, list_plugins
from leanrl.seams.registry import known_plugins

_REWARDS = """\
# Every reward

Written from the docstrings when the site is built. A weight turns a reward on: `-s rewards.NAME=1`. An option is set by
`-s reward_options.NAME.OPTION=VALUE`. [rewards.md](../rewards.md) says how to choose and how to write one.
"""
_PLUGINS = """\
# Every plug-in of a step

Written from the docstrings when the site is built. A plug-in is named by `-s algorithm.SEAM.name=NAME`, and its options
are set by `-s algorithm.SEAM.OPTION=VALUE`. [algorithms.md](../algorithms.md) says when to use which.
"""


def rewards_page() -> str:
    """Return the page of every reward."""
    functions = {name: function for name, (function, _, _) in registered_rewards().items()}
    return "\n".join([_REWARDS, *(_entry(info, info.name, functions[info.name]) for info in list_rewards())])


def plugins_page() -> str:
    """Return the page of every plug-in, by seam in the order of a step."""
    parts, seam = [_PLUGINS], None
    for info in list_plugins():
        if info.seam != seam:
            seam = info.seam
            parts.append(f"## {seam}\n")
        parts.append(_entry(info, info.name, known_plugins(info.seam)[info.name], level=3))
    return "\n".join(parts)


def _entry(info: RewardInfo | PluginInfo, name: str, function: object, *, level: int = 2) -> str:
    rest = (inspect.getdoc(function) or "").partition("\n\n")[2]
    parts = [f"{'#' * level} {name}", info.about, *_options(info), f"~~~text\n{rest}\n~~~" if rest else ""]
    return "\n\n".join(part for part in parts if part) + "\n"


def _options(info: RewardInfo | PluginInfo) -> Iterable[str]:
    rows = [f"| `{option}` | `{json.dumps(value, default=str)}` |" for option, value in info.options.items()]
    rows += [f"| `{option}` | has to be set |" for option in info.required_options]
    if rows:
        yield "\n".join(["| option | default |", "|---|---|", *rows])
