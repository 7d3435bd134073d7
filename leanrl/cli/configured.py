"""The configuration that a command line asks for, with the plug-ins that it names."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leanrl.config.load import Resolved


def configured(preset: str, overrides: Sequence[str], plugins: Sequence[Path] = ()) -> "Resolved":
    """Return the configuration of a preset and overrides, in which every plug-in of a step can be made and used.

    What is wrong with a plug-in's file is not told here: the checks before a run tell it with all else that they find.

    Raises:
        ConfigError: with everything that is wrong with the configuration.
    """
    from leanrl.config.load import load_config
    from leanrl.errors import ConfigError
    from leanrl.preflight.plugins import load_plugins, plugin_problems

    try:
        load_plugins(plugins)
    except ConfigError:
        return load_config(preset, overrides)
    return load_config(preset, overrides, also=plugin_problems)
