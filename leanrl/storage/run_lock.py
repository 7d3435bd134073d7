"""One process at a time on a run folder: two would mix their metrics and delete each other's checkpoints."""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from leanrl.errors import ConfigError
from leanrl.hints import quoted

_FILE = ".lock"


@contextmanager
def hold(run: Path, *, doing: str = "trained") -> Iterator[None]:
    """Hold the lock of a folder within it; the system lets go of it however the process ends.

    `doing` says in an error what the other process does with the folder. A file system without locks, or a folder that
    cannot be written, has none: the run goes on without.

    Raises:
        ConfigError: naming the process that holds it.
    """
    try:
        file = (run / _FILE).open("a+", encoding="utf-8", errors="replace")
    except OSError:
        yield
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise _refusal(run, file.read(), doing) from None
        except OSError:
            yield
            return
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()} since {datetime.now():%Y-%m-%d %H:%M:%S}\n")
        file.flush()
        yield


def _refusal(run: Path, holder: str, doing: str) -> ConfigError:
    who = holder.strip() or "another process"
    return ConfigError(
        f"{run} is being {doing} by {who}; a second process would damage it.",
        hint=f"wait until it ends, or stop it: {_stop_of(run / _FILE, who)}",
    )


def _stop_of(lock: Path, who: str) -> str:
    """Return the command that stops the holder, and where to type it: a folder that machines share has one lock."""
    words = who.split()
    if len(words) < 4 or not words[1].isdigit():
        return f"`fuser -v {quoted(lock)}` names it"
    number, host = words[1], words[3]
    return f"`kill -TERM {number}`" + ("" if host == socket.gethostname() else f" on {host}")
