"""The format of a run folder: the number that says how its files are read.

1 has no file that says so, and one key for each part of an advantage or a correction. 2 has the maps of plug-ins.
"""

import json
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.machine.version import __version__

FORMAT = 2
FORMAT_FILE = "format.json"


def this_format() -> dict[str, Any]:
    """Return what a new run folder says of its format: the number, and the oldest version known to read it."""
    return {"format": FORMAT, "leanrl": __version__}


def format_of(run: Path) -> int:
    """Return the format of the run folder at `run`; 1 where no file says it.

    Raises:
        ConfigError: if it is newer than what this version reads, or its file is damaged.
    """
    file = run / FORMAT_FILE
    if not file.is_file():
        return 1
    number, version = _read(file)
    if number > FORMAT:
        raise ConfigError(
            f"{run} is a run of format {number}, and leanrl {__version__} reads formats up to {FORMAT}.",
            hint=f"leanrl {version} or later reads it; `leanrl --version` prints the version that runs",
        )
    return number


def _read(file: Path) -> tuple[int, str]:
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        number, version = said["format"], said["leanrl"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(file) from error
    if type(number) is not int or number < 1 or not isinstance(version, str):
        raise _damaged(file)
    return number, version


def _damaged(file: Path) -> ConfigError:
    return ConfigError(
        f'{file} is damaged: it must hold {{"format": N, "leanrl": "VERSION"}}.',
        hint="copy it from another run that the same version of leanrl has made",
    )
