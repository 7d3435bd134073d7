"""RUN/adapter: the newest adapter of a run under a name that stays, for `PeftModel.from_pretrained`."""

import os
import shutil
from pathlib import Path

from leanrl.storage.checkpoint_files import COMPLETE, to_read

_CONFIG = "adapter_config.json"


def link_newest_adapter(link: Path, checkpoint: Path) -> None:
    """Let `link` lead to the adapter of a checkpoint, in one step; nothing where the checkpoint holds none.

    On a file system without symbolic links it becomes a folder with copies of the adapter's files. A file or folder
    of the user's under that name stays, and so does the link where it cannot be written: the checkpoint is there.
    """
    if not (checkpoint / _CONFIG).is_file() or _is_users(link):
        return
    beside = link.with_name(f".{link.name}.partial")
    try:
        _remove(beside)
        try:
            beside.symlink_to(os.path.relpath(checkpoint, link.parent), target_is_directory=True)
        except (OSError, NotImplementedError):  # a file system without links
            _copy(checkpoint, beside)
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)  # the system puts nothing in place of a folder that is not empty
        os.replace(beside, link)
    except OSError:
        _remove(beside)


def _is_users(link: Path) -> bool:
    """Whether something is there that is neither a link nor a copy: a copy holds COMPLETE, as its checkpoint does."""
    return link.exists() and not link.is_symlink() and not (link / COMPLETE).is_file()


def _copy(checkpoint: Path, folder: Path) -> None:
    folder.mkdir()
    for file in checkpoint.iterdir():
        if file.is_file() and to_read(file.name):
            shutil.copy2(file, folder)


def _remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
