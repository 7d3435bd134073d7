"""Rewards of a user's own: a file that calls @reward, or an installed package's entry point."""

import inspect
import runpy
import shlex
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.rewards.custom.signature import kind_of
from leanrl.rewards.registry import num_registrations, registered_rewards, reward

ENTRY_POINT_GROUP = "leanrl.rewards"


def load_plugin(path: Path) -> None:
    """Run a Python file, whose `@reward("name")` calls register its rewards.

    Functions of TRL's or verifiers' kind that the file defines or imports are registered under their own names, so
    that a file written for those needs no change; a name that begins with an underscore is not.

    Raises:
        ConfigError: if the file is not there, fails, or registers no reward; it names the file and what it raised.
    """
    if not path.is_file():
        raise ConfigError(f"--plugin is {path}, and there is no such file.", hint="--plugin FILE.py")
    before = num_registrations()
    try:
        names = runpy.run_path(str(path), run_name=f"leanrl_plugin_{path.stem}")
        _register_foreign(names)
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{path} cannot be used as a plug-in: {type(error).__name__}: {error}",
            hint=f"try `python {shlex.quote(str(path))}`",
        ) from error
    if num_registrations() == before:
        raise ConfigError(
            f"--plugin is {path}, which registers no reward.",
            hint='`from leanrl.rewards.registry import reward`, and `@reward("name")` above a function of a sample; '
            "examples/custom_reward.py is one. A function that takes TRL's `completions` needs no more than its name",
        )


def _register_foreign(names: Mapping[str, Any]) -> None:
    """Register the functions of TRL's or verifiers' kind among the names of a file."""
    known = {id(function) for function, *_ in registered_rewards().values()}
    for name, value in names.items():
        is_function = callable(value) and not inspect.isclass(value) and id(value) not in known
        if is_function and not name.startswith("_") and kind_of(value) != "sample":
            reward(name)(value)


def load_installed_plugins() -> None:
    """Import what installed packages offer under the entry-point group `leanrl.rewards`.

    Raises:
        ConfigError: if one of them cannot be imported.
    """
    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            point.load()
        except Exception as error:
            package = point.dist.name if point.dist is not None else "an installed package"
            raise ConfigError(
                f"the reward plug-in {point.value} of {package} cannot be imported: {type(error).__name__}: {error}",
                hint=f"pip uninstall {package}, or repair it",
            ) from error
