"""Whether the plug-ins of a run may run, and are all there: asked before any of their code does."""

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


def require_all_there(run: RunFolder) -> None:
    """Refuse a run that has lost plug-ins: one that no key names, as a patch of a library, would be missed by nobody.

    Raises:
        ConfigError: naming them.
    """
    there = {file.name for file in run.kept_plugins()}
    lost = [name for name in _hashes(run) if name not in there]
    if lost:
        folder = run.path / "plugins"
        raise ConfigError(
            f"{folder} has lost {', '.join(lost)}: the run was started with it, and would go on as another run.",
            hint=f"put it back; or go on without it: `{command('train', '--resume', run.path, '--force')}`",
        )


def said_of_plugins(run: RunFolder) -> str | None:
    """Return the line that tells which of a run's plug-ins are about to run; None where it keeps none."""
    names = ", ".join(file.name for file in run.kept_plugins())
    return f"running the plug-ins that {run.path} keeps: {names}" if names else None


def _doubts(run: RunFolder, file: Path, user: int) -> Iterator[str]:
    strangers = {owner for place in _places(run, file) if (owner := place.stat().st_uid) != user}
    if strangers:
        yield f"it, or the folder that it lies in, belongs to {', '.join(map(_name, sorted(strangers)))}"
    if not isinstance(read_json_if_whole(run.fingerprints).get("plugins"), dict):
        return  # of a version of leanrl that kept no hashes
    kept = _hashes(run)
    if file.name not in kept:
        yield "it was not among the plug-ins when the run was last started"
    elif kept[file.name] != file_sha256(file):
        yield "its content is not what it was when the run was last started"


def _hashes(run: RunFolder) -> dict[str, str]:
    """Return the hash of each plug-in that the run was last started with, by the name of its file."""
    kept = read_json_if_whole(run.fingerprints).get("plugins")
    return kept if isinstance(kept, dict) else {}


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
