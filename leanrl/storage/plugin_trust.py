"""Whether the plug-ins that a run keeps may run: their owner and their hash, asked before any of their code does."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from leanrl.errors import ConfigError, Problem
from leanrl.hints import command
from leanrl.storage.fingerprints import file_sha256
from leanrl.storage.run_folder import RunFolder, read_json_if_whole


def require_trusted(run: RunFolder, *, user: int) -> None:
    """Refuse plug-ins of a run that are another user's, or are not those that the run was started with.

    Whoever can write a plug-in can write the hash of it too, so that the owners of both are asked first.

    Args:
        user: the number of the user who runs this.

    Raises:
        ConfigError: naming each plug-in with its reason.
    """
    problems = [Problem(str(file), why) for file in run.kept_plugins() for why in _doubts(run, file, user)]
    if problems:
        raise ConfigError(
            f"{run.path} keeps plug-ins, which are programs, and it is not sure that they are yours:",
            problems=problems,
            hint=f"read them first; `{command('train', '--resume', run.path, '--trust-plugins')}` runs them",
        )


def said_of_plugins(run: RunFolder) -> str | None:
    """Return the line that tells which of a run's plug-ins are about to run; None where it keeps none."""
    names = ", ".join(file.name for file in run.kept_plugins())
    return f"running the plug-ins that {run.path} keeps: {names}" if names else None


def _doubts(run: RunFolder, file: Path, user: int) -> Iterator[str]:
    strangers = {owner for place in _places(run, file) if (owner := place.stat().st_uid) != user}
    if strangers:
        yield f"it, or the folder that it lies in, belongs to {', '.join(map(_name, sorted(strangers)))}"
    kept = read_json_if_whole(run.fingerprints).get("plugins")
    if not isinstance(kept, dict):
        return  # of a version of leanrl that kept no hashes
    if file.name not in kept:
        yield "it was not among the plug-ins when the run was last started"
    elif kept[file.name] != file_sha256(file):
        yield "its content is not what it was when the run was last started"


def _places(run: RunFolder, file: Path) -> list[Path]:
    places = [run.path, file.parent, file, run.fingerprints]
    return [place for place in places if place.exists()]


def _name(user: int) -> str:
    try:
        return f"the user {pwd.getpwuid(user).pw_name}"
    except KeyError:
        return f"the user number {user}"


def this_user() -> int:
    """Return the number of the user whose rights this process has."""
    return os.geteuid()
