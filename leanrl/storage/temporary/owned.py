"""A folder that belongs to a living process; if that is killed, the next one that makes such a folder removes it."""

import fcntl
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

LOCK = ".owner"


@dataclass(frozen=True)
class OwnedFolder:
    """A folder whose lock is held while its process lives; a number of the process would not do between containers."""

    path: Path
    lock: int

    def close(self) -> None:
        """Remove the folder; once."""
        _remove(self.path)
        os.close(self.lock)

    def publish(self, final: Path) -> None:
        """Give the folder its final name, under which it belongs to nobody; `close` finds nothing to remove then.

        A kill between the two leaves a whole folder with the lock's file in it, and nothing beside it.
        """
        self.path.chmod(0o755)  # mkdtemp gives a folder that only its owner may enter
        self.path.rename(final)
        (final / LOCK).unlink()


def make_owned_folder(parent: Path, *, prefix: str, suffix: str = "") -> OwnedFolder:
    """Return a new folder of this process; the caller closes it. The lock's file says whose it is: the command."""
    while True:
        owned = own(Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=parent)))
        if owned is not None:
            return owned


@contextmanager
def owned_folder(parent: Path, *, prefix: str, suffix: str = "") -> Iterator[OwnedFolder]:
    """Give a new folder that is gone when the block ends; what killed processes left of its kind is removed first."""
    remove_left_behind(parent, prefix=prefix, suffix=suffix)
    owned = make_owned_folder(parent, prefix=prefix, suffix=suffix)
    try:
        yield owned
    finally:
        owned.close()


def own(path: Path) -> OwnedFolder | None:
    """Take a folder that was just made; None where another process has taken it for left behind."""
    try:
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return None
    try:
        if not _is_ours(lock):
            os.close(lock)
            return None
        os.write(lock, os.fsencode(" ".join(sys.argv)))
    except OSError:
        OwnedFolder(path, lock).close()
        raise
    return OwnedFolder(path, lock)


def remove_left_behind(parent: Path, *, prefix: str, suffix: str = "") -> list[Path]:
    """Remove the folders of a kind whose process is gone, and return them.

    One without a lock is being made, or was made by nobody of ours. Where nothing can be locked, all stay.
    """
    removed = []
    for path in _of_kind(parent, prefix, suffix):
        with suppress(OSError):  # another user's, or removed meanwhile
            lock = os.open(path / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _take(lock):
                    _remove(path)
                    removed += [] if path.exists() else [path]
            finally:
                os.close(lock)
    return removed


def without_owner(parent: Path, *, prefix: str, suffix: str = "") -> list[Path]:
    """Return the folders of a kind that nobody can know for left behind."""
    return [path for path in _of_kind(parent, prefix, suffix) if not (path / LOCK).exists()]


def _of_kind(parent: Path, prefix: str, suffix: str) -> list[Path]:
    found = parent.glob(f"{glob.escape(prefix)}*{glob.escape(suffix)}")
    return sorted(path for path in found if path.is_dir() and not path.is_symlink())


def _remove(path: Path) -> None:
    """Remove a folder, the lock's file last: one that is killed here leaves what the next one knows for left behind."""
    with suppress(OSError):
        for inner in path.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner, ignore_errors=True)
            elif inner.name != LOCK:
                inner.unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def _is_ours(lock: int) -> bool:
    try:
        return _take(lock)
    except OSError:  # a file system without locks: nobody else can take it either
        return True


def _take(lock: int) -> bool:
    """Return whether nobody held it, and nobody has removed it between its opening and now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(lock).st_nlink > 0
