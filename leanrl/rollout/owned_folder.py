"""The folder in which a process publishes policies: in memory where there is room, and nobody's when it is killed."""

import os
import shutil
import tempfile
from pathlib import Path

from leanrl.storage.temporary.owned import OwnedFolder, make_owned_folder, remove_left_behind

_TMPFS = Path("/dev/shm")
_PREFIX = "leanrl-policy-"
# One being written, one that a kill left, and as much again for others.
_VERSIONS_AT_ONCE = 4


def claim_folder(*, needed_bytes: int, tmpfs: Path = _TMPFS) -> OwnedFolder:
    """Return a new folder for versions of this size: in memory where a writable tmpfs has the room, else on disk.

    A container's /dev/shm holds 64 MB unless it is told otherwise. What killed processes left in either is removed.
    """
    on_disk = Path(tempfile.gettempdir())
    is_writable = tmpfs.is_dir() and os.access(tmpfs, os.W_OK | os.X_OK)
    for parent in [tmpfs, on_disk] if is_writable else [on_disk]:
        remove_left_behind(parent, prefix=_PREFIX)
    has_room = is_writable and shutil.disk_usage(tmpfs).free > _VERSIONS_AT_ONCE * needed_bytes
    return make_owned_folder(tmpfs if has_room else on_disk, prefix=_PREFIX)
