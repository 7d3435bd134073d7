"""Paths as a user types them: `~` is the home folder."""

import os
from pathlib import Path


def expanded(text: str | Path) -> Path:
    """Return a path with `~` or `~NAME` at its start as the home folder; as it stands where nobody has such a home.

    `Path.expanduser` raises a RuntimeError there, for a name that was only mistyped.
    """
    return Path(os.path.expanduser(text))
