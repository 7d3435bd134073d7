"""Folders that belong to a living process: what a killed one leaves, and what stays."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leanrl.storage.temporary import owned
from leanrl.storage.temporary.owned import (
    LOCK,
    make_owned_folder,
    owned_folder,
    remove_left_behind,
    without_owner,
)

KIND = {"prefix": ".a[1].", "suffix": ".partial"}
KILLED = f"""
import os, pathlib, signal, sys
from leanrl.storage.temporary.owned import make_owned_folder
folder = make_owned_folder(pathlib.Path(sys.argv[1]), **{KIND!r})
(folder.path / "weights").write_bytes(bytes(1000))
(folder.path / "inner").mkdir()
(folder.path / "inner" / "more").touch()
print(folder.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def left_by_a_killed_process(parent: Path) -> Path:
    done = subprocess.run([sys.executable, "-c", KILLED, parent], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return Path(done.stdout.strip())


def test_the_next_one_removes_what_a_killed_process_left_and_nothing_else(tmp_path: Path) -> None:
    """A living process's, a user's under such a name, a link to one that could be removed, and another kind stay."""
    left = left_by_a_killed_process(tmp_path)
    living = make_owned_folder(tmp_path, **KIND)
    users = tmp_path / ".a[1].mine.partial"
    users.mkdir()
    another = tmp_path / ".a1.x.partial"  # what the brackets would stand for
    shutil.copytree(left, another)
    link = tmp_path / ".a[1].link.partial"
    link.symlink_to(another)
    with owned_folder(tmp_path, **KIND) as mine:
        assert sorted(tmp_path.iterdir()) == sorted([living.path, users, another, link, mine.path])
        assert without_owner(tmp_path, **KIND) == [users]
    assert sorted(tmp_path.iterdir()) == sorted([living.path, users, another, link])
    living.close()


def test_a_cleaning_that_is_killed_too_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock's file goes last: without it nobody would know the rest for left behind."""
    left = left_by_a_killed_process(tmp_path)
    remove = shutil.rmtree

    def killed(path: Path, ignore_errors: bool = False) -> None:
        if path == left:
            raise KeyboardInterrupt
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        remove_left_behind(tmp_path, **KIND)
    assert [path.name for path in left.iterdir()] == [LOCK]
    monkeypatch.undo()
    assert remove_left_behind(tmp_path, **KIND) == [left]


def test_what_is_published_belongs_to_nobody(tmp_path: Path) -> None:
    with owned_folder(tmp_path, **KIND) as mine:
        (mine.path / "weights").touch()
        mine.publish(tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "weights"]
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


def test_a_disk_without_room_for_the_lock_keeps_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        make_owned_folder(tmp_path, **KIND)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_removed_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = left_by_a_killed_process(tmp_path)

    def refuse(*_: object) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(owned.fcntl, "flock", refuse)
    assert remove_left_behind(tmp_path, **KIND) == []
    assert left.is_dir()
