"""Code of a user's own: a file that registers rewards or plug-ins of a step, or an installed package's entry point."""

import runpy
import shlex
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, Problem
from leanrl.rewards import registry as rewards
from leanrl.rewards.custom.adopted import adopt_functions
from leanrl.seams import registry as seams

ENTRY_POINT_GROUPS = ("leanrl.plugins", "leanrl.rewards")


def load_plugins(files: Sequence[Path]) -> None:
    """Load what installed packages offer, then the files.

    Raises:
        ConfigError: for the first that cannot be loaded.
    """
    load_installed_plugins()
    for file in files:
        load_plugin(file)


def plugin_problems(config: RunConfig) -> list[Problem]:
    """Return what is wrong with the plug-ins that a config names, and those that need a graded reward without one."""
    ungraded = seams.ungraded_problems(config) if rewards.grades_nothing(config.rewards) else []
    return [*seams.choice_problems(config), *ungraded]


def load_plugin(path: Path) -> None:
    """Run a Python file, whose `@reward("name")` and `@plugin("seam", "name")` calls register what it offers.

    Functions of TRL's or verifiers' kind that the file defines or imports are registered as rewards under their own
    names, so that a file written for those needs no change; a name that begins with an underscore is not.

    Raises:
        ConfigError: if the file is not there, fails, or registers nothing; it names the file and what it raised.
    """
    if not path.is_file():
        raise ConfigError(f"--plugin is {path}, and there is no such file.", hint="--plugin FILE.py")
    before = _num_registrations()
    try:
        names = runpy.run_path(str(path), run_name=f"leanrl_plugin_{path.stem}")
        adopt_functions(names, taken=[maker for seam in seams.SEAMS for maker in seams.known_plugins(seam).values()])
    except ConfigError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{path} cannot be used as a plug-in: {type(error).__name__}: {error}",
            hint=f"try `python {shlex.quote(str(path))}`",
        ) from error
    if _num_registrations() == before:
        raise ConfigError(
            f"--plugin is {path}, which registers no reward and no plug-in of a step.",
            hint='`from leanrl.rewards.registry import reward`, and `@reward("name")` above a function of a sample; '
            "examples/custom_reward.py is one. A function that takes TRL's `completions` needs no more than its name. "
            'For a step: `from leanrl.seams.registry import plugin`, and `@plugin("advantage", "name")`',
        )


def load_installed_plugins() -> None:
    """Import what installed packages offer under the entry-point groups `leanrl.plugins` and `leanrl.rewards`.

    Raises:
        ConfigError: if one of them cannot be imported.
    """
    for point in (found for group in ENTRY_POINT_GROUPS for found in entry_points(group=group)):
        try:
            point.load()
        except Exception as error:
            package = point.dist.name if point.dist is not None else "an installed package"
            raise ConfigError(
                f"the plug-in {point.value} of {package} cannot be imported: {type(error).__name__}: {error}",
                hint=f"pip uninstall {package}, or repair it",
            ) from error


def _num_registrations() -> int:
    return rewards.num_registrations() + seams.num_registrations()
