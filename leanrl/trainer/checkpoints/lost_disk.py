"""A disk that takes no more while a run goes on: what is kept, and how to go on."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leanrl.errors import LeanRLError, StoppedError
from leanrl.hints import command, quoted
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.upkeep import is_full_disk

# A quota, a mount that turned read-only, a disk that fails; checkpoints have a message of their own when it is full.
_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE)
# Something of the user's in the place of a file, or a file that another user has made.
_IN_THE_WAY = (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY, errno.EACCES, errno.EPERM)
_WORDS = tuple(f"(os error {number})" for number in _ERRNOS)  # of safetensors and tokenizers (Rust)


def _is_of_run(error: Exception, run: RunFolder) -> bool:
    """Return whether an error says that something is in the place of a file of the run, or is not ours to write."""
    names = [getattr(error, name, None) for name in ("filename", "filename2")]
    inside = any(isinstance(name, str | Path) and Path(name).is_relative_to(run.path) for name in names)
    return inside and isinstance(error, OSError) and error.errno in _IN_THE_WAY


def is_of_disk(error: Exception) -> bool:
    """Return whether an error is about what a disk takes, and not about a network or a process."""
    has_errno = isinstance(error, OSError) and error.errno in _ERRNOS
    return has_errno or any(words in str(error) for words in _WORDS) or is_full_disk(error)


@contextmanager
def stopping_at_a_lost_disk(run: RunFolder) -> Iterator[None]:
    """End with a StoppedError where the run's folder cannot be written any more."""
    try:
        yield
    except Exception as error:
        if isinstance(error, LeanRLError) or not (is_of_disk(error) or _is_of_run(error, run)):
            raise
        raise _stop(run, error) from error


def _stop(run: RunFolder, error: Exception) -> StoppedError:
    complete = run.complete_checkpoints()
    kept = f"Nothing is lost up to {complete[-1].name}." if complete else "It has no complete checkpoint yet."
    go_on = command("train", "--resume", run.path) if complete else run.start_anew()
    words = getattr(error, "strerror", None)
    file = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if os.strerror(errno.EFBIG) in str(error):
        look = "`ulimit -f` shows the limit; raise it"
    elif isinstance(error, OSError) and error.errno in _IN_THE_WAY:
        look = f"`ls -ld {quoted(file or run.path)}` shows what is there and whose it is; move it away"
    else:
        look = f"`df -h {quoted(run.path)}` shows the room; make some"
    return StoppedError(
        f"the run folder {run.path} cannot be written: {words or error} ({file or run.path}). {kept}",
        hint=f"{look}, then `{go_on}`",
    )
