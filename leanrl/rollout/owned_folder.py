"""The folder in which a process publishes policies; if it is killed, the next one removes what it left in memory."""

import fcntl
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TMPFS = Path("/dev/shm")
_PREFIX = "leanrl-policy-"
LOCK = ".owner"
# One being written, one that a kill left, and as much again for others.
_VERSIONS_AT_ONCE = 4


@dataclass(frozen=True)
class OwnedFolder:
    """A folder whose lock is held while its process lives; a number of the process would not do between containers."""

    path: Path
    lock: int

    def close(self) -> None:
        """Remove the folder; once."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


def claim_folder(*, needed_bytes: int, tmpfs: Path = _TMPFS) -> OwnedFolder:
    """Return a new folder for versions of this size: in memory where a writable tmpfs has the room, else on disk.

    A container's /dev/shm holds 64 MB unless it is told otherwise. What killed processes left in either is removed. The
    lock's file says whose folder it is: the command of the process.
    """
    on_disk = Path(tempfile.gettempdir())
    is_writable = tmpfs.is_dir() and os.access(tmpfs, os.W_OK | os.X_OK)
    for parent in [tmpfs, on_disk] if is_writable else [on_disk]:
        remove_left_behind(parent)
    has_room = is_writable and shutil.disk_usage(tmpfs).free > _VERSIONS_AT_ONCE * needed_bytes
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=tmpfs if has_room else on_disk))
        try:
            lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        try:
            is_ours = _take(lock)
        except OSError:  # a file system without locks: nobody else can take it either
            is_ours = True
        if is_ours:
            os.write(lock, os.fsencode(" ".join(sys.argv)))
            return OwnedFolder(path, lock)
        os.close(lock)


def remove_left_behind(parent: Path) -> list[Path]:
    """Remove the folders in `parent` whose process is gone, and return them; one without a lock is being made."""
    removed = []
    for path in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or removed meanwhile
            lock = os.open(path / LOCK, os.O_RDWR)
            try:
                if _take(lock):
                    shutil.rmtree(path, ignore_errors=True)
                    removed.append(path)
            finally:
                os.close(lock)
    return removed


def _take(lock: int) -> bool:
    """Return whether nobody held it, and nobody has removed it between its opening and now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(lock).st_nlink > 0
