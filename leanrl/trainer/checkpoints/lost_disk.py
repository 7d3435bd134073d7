"""A disk that takes no more while a run goes on: what is kept, and how to go on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from leanrl.errors import StoppedError
from leanrl.hints import command, quoted
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.upkeep import is_full_disk

# A quota, a mount that turned read-only, a disk that fails; checkpoints have a message of their own when it is full.
_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def is_of_disk(error: OSError) -> bool:
    """Return whether an error of the system is about what a disk takes, and not about a network or a process."""
    return error.errno in _ERRNOS or is_full_disk(error)


@contextmanager
def stopping_at_a_lost_disk(run: RunFolder) -> Iterator[None]:
    """End with a StoppedError where the run's folder cannot be written any more."""
    try:
        yield
    except OSError as error:
        if not is_of_disk(error):
            raise
        raise _stop(run, error) from error


def _stop(run: RunFolder, error: OSError) -> StoppedError:
    complete = run.complete_checkpoints()
    kept = f"Nothing is lost up to {complete[-1].name}." if complete else "It has no complete checkpoint yet."
    go_on = command("train", "--resume", run.path) if complete else command("train", "-p", run.config)
    what = error.filename or run.path
    return StoppedError(
        f"the run folder {run.path} cannot be written: {error.strerror or error} ({what}). {kept}",
        hint=f"`df -h {quoted(run.path)}` shows the room; make some, then `{go_on}`",
    )
