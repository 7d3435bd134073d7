"""Paths as a user types them: `~` is the home folder, a run or a checkpoint is a folder, and a name is text."""

import os
from pathlib import Path

from leanrl.errors import ConfigError
from leanrl.hints import command


def expanded(text: str | Path) -> Path:
    """Return a path with `~` or `~NAME` at its start as the home folder; as it stands where nobody has such a home.

    `Path.expanduser` raises a RuntimeError there, for a name that was only mistyped.
    """
    return Path(os.path.expanduser(text))


def not_text(path: Path) -> str | None:
    """Return why a path is no text, as tokenizers and safetensors ask for; None where it is.

    A name may have any bytes, and Python 3 without UTF-8 takes all that are not ASCII for such.
    """
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return "its name has bytes that are not UTF-8, or Python is told not to use UTF-8 (PYTHONUTF8=1 changes that)"
    return None


def require_folder(source: Path) -> None:
    """Check that what is named as a run or a checkpoint is a folder.

    Raises:
        ConfigError: if it is not there, is a file, or has a name that is no text.
    """
    if source.is_file():
        raise ConfigError(
            f"{source} is a file, not the folder of a run or a checkpoint.",
            hint=f"`{command('merge', source.parent, '--inspect')}`",
        )
    if not source.is_dir():
        raise ConfigError(f"{source} is not there.", hint="`ls runs/` shows the runs here")
    if (why := not_text(source)) is not None:
        raise ConfigError(f"{source} cannot be read: {why}.", hint="give the folder another name")
