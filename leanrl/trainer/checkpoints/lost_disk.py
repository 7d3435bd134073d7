"""A disk that takes no more while a run goes on: what is kept, and how to go on."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from leanrl.errors import LeanRLError, StoppedError
from leanrl.hints import command, quoted
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.upkeep import is_full_disk

# A quota, a mount that turned read-only, a disk that fails; checkpoints have a message of their own when it is full.
_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
_WORDS = tuple(f"(os error {number})" for number in _ERRNOS)  # of safetensors and tokenizers (Rust)


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
        if isinstance(error, LeanRLError) or not is_of_disk(error):
            raise
        raise _stop(run, error) from error


def _stop(run: RunFolder, error: Exception) -> StoppedError:
    complete = run.complete_checkpoints()
    kept = f"Nothing is lost up to {complete[-1].name}." if complete else "It has no complete checkpoint yet."
    go_on = command("train", "--resume", run.path) if complete else command("train", "-p", run.config)
    words, file = getattr(error, "strerror", None), getattr(error, "filename", None)
    is_limit = os.strerror(errno.EFBIG) in str(error)
    look = (
        "`ulimit -f` shows the limit; raise it" if is_limit else f"`df -h {quoted(run.path)}` shows the room; make some"
    )
    return StoppedError(
        f"the run folder {run.path} cannot be written: {words or error} ({file or run.path}). {kept}",
        hint=f"{look}, then `{go_on}`",
    )
