"""One process at a time on a run folder: two would mix their metrics and delete each other's checkpoints."""

import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from leanrl.errors import ConfigError
from leanrl.hints import quoted

_FILE = ".lock"
# Never through a link, and without a wait for the other end of a pipe: what lies there may be somebody else's.
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
_MOST_BYTES = 4096  # of what the file says


@contextmanager
def hold(run: Path, *, doing: str = "trained") -> Iterator[None]:
    """Hold the locks of a folder, on itself and on a file within it; the system lets go however the process ends.

    A file that is deleted by hand takes its lock along; a network file system locks files, and no folder. `doing` says
    in an error what the other process does with the folder. Where nothing can be locked, the run goes on without.

    Raises:
        ConfigError: naming the process that holds it.
    """
    opened = {path: _opened(path, flags) for path, flags in ((run, os.O_RDONLY), (run / _FILE, _FLAGS))}
    try:
        for descriptor in opened.values():
            if descriptor is not None and not _is_free(descriptor):
                raise _refusal(run, _said_in(opened[run / _FILE]), doing)
        if (file := opened[run / _FILE]) is not None:
            with suppress(OSError):  # a full disk: nobody is named, and the lock is held all the same
                os.ftruncate(file, 0)
                who = f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}\n"
                os.pwrite(file, who.encode(), 0)
        yield
    finally:
        for descriptor in opened.values():
            if descriptor is not None:
                os.close(descriptor)


def _opened(path: Path, flags: int) -> int | None:
    """Return the descriptor of a folder or a plain file; None where it cannot be opened, or is something else."""
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError:
        return None
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        return descriptor
    os.close(descriptor)
    return None


def _is_free(descriptor: int) -> bool:
    """Lock what is open, unless another process has; what takes no lock is free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, or without those of folders
        return True
    return True


def _said_in(file: int | None) -> str:
    return "" if file is None else os.pread(file, _MOST_BYTES, 0).decode("utf-8", errors="replace")


def _refusal(run: Path, holder: str, doing: str) -> ConfigError:
    who = holder.strip() or "another process"
    return ConfigError(
        f"{run} is being {doing} by {who}; a second process would damage it.",
        hint=f"wait until it ends, or stop it: {_stop_of(run, who)}",
    )


def _stop_of(run: Path, who: str) -> str:
    """Return the command that stops the holder, and where to type it: a folder that machines share has one lock."""
    words = who.split()
    if len(words) < 4 or not words[1].isdigit():
        return f"`fuser -v {quoted(run)} {quoted(run / _FILE)}` names it"
    number, host = words[1], words[3]
    return f"`kill -TERM {number}`" + ("" if host == socket.gethostname() else f" on {host}")
