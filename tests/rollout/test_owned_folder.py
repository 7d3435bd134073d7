"""Where a process publishes policies, and what becomes of it when the process is killed."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from leanrl.rollout.owned_folder import claim_folder
from leanrl.storage.temporary import owned
from leanrl.storage.temporary.owned import LOCK
from leanrl.storage.temporary.owned import remove_left_behind as remove_of_kind

KILLED = """
import os, pathlib, signal, sys
from leanrl.rollout.owned_folder import claim_folder
folder = claim_folder(needed_bytes=1000, tmpfs=pathlib.Path(sys.argv[1]))
(folder.path / "version-1").mkdir()
(folder.path / "version-1" / "weights").write_bytes(bytes(1000))
print(folder.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def remove_left_behind(parent):
    return remove_of_kind(parent, prefix="leanrl-policy-")


@pytest.fixture(autouse=True)
def disk(tmp_path, monkeypatch):
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "disk"))
    return tmp_path / "disk"


@pytest.fixture
def tmpfs(tmp_path):
    (tmp_path / "tmpfs").mkdir()
    return tmp_path / "tmpfs"


def test_it_is_in_memory_or_on_disk_where_there_is_no_tmpfs(tmp_path, tmpfs, disk):
    folders = [
        claim_folder(needed_bytes=1000, tmpfs=tmpfs),
        claim_folder(needed_bytes=1000, tmpfs=tmp_path / "absent"),
        claim_folder(needed_bytes=2**60, tmpfs=tmpfs),
    ]
    assert [folder.path.parent for folder in folders] == [tmpfs, disk, disk], "there is no such room"
    assert {(folder.path / LOCK).read_text() for folder in folders} == {" ".join(sys.argv)}
    for folder in folders:
        folder.close()
        assert not folder.path.exists()


def test_the_next_process_removes_what_a_killed_one_left_in_memory(tmpfs):
    mine = claim_folder(needed_bytes=1000, tmpfs=tmpfs)
    killed = subprocess.run([sys.executable, "-c", KILLED, tmpfs], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = tmpfs / killed.stdout.strip()
    assert (left / "version-1" / "weights").is_file()
    assert remove_left_behind(tmpfs) == [left]
    assert list(tmpfs.iterdir()) == [mine.path], "the folder of a process that lives stays"
    subprocess.run([sys.executable, "-c", KILLED, tmpfs], capture_output=True, check=False)
    another = claim_folder(needed_bytes=1000, tmpfs=tmpfs)
    assert sorted(tmpfs.iterdir()) == sorted([mine.path, another.path])


def test_one_that_is_being_made_and_what_is_not_ours_stay(tmpfs):
    (tmpfs / "leanrl-policy-new").mkdir()
    (tmpfs / "another-program").mkdir()
    (tmpfs / "another-program" / ".owner").touch()
    assert remove_left_behind(tmpfs) == []
    assert len(list(tmpfs.iterdir())) == 2


def test_one_that_is_removed_before_its_lock_is_held_is_made_anew(tmpfs, monkeypatch):
    """Another process takes the lock between its opening and its locking, and removes the folder."""
    take, taken = owned._take, []

    def late(lock):
        if not taken:
            taken.append(remove_with_another_lock(tmpfs))
        return take(lock)

    monkeypatch.setattr(owned, "_take", late)
    folder = claim_folder(needed_bytes=1000, tmpfs=tmpfs)
    assert taken
    assert folder.path != taken[0]
    assert list(tmpfs.iterdir()) == [folder.path]


def test_a_file_system_without_locks_is_good_enough(tmpfs, monkeypatch):
    def refuse(*_):
        raise OSError("no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    mine = claim_folder(needed_bytes=1000, tmpfs=tmpfs)
    assert remove_left_behind(tmpfs) == []
    assert mine.path.is_dir()


def remove_with_another_lock(tmpfs):
    (path,) = tmpfs.iterdir()
    lock = os.open(path / ".owner", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.unlink(path / ".owner")
    path.rmdir()
    os.close(lock)
    return path


def test_a_command_that_is_no_utf8_is_written_as_it_was_typed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["leanrl", "--run-dir", os.fsdecode(b"runs/\xff")])
    folder = claim_folder(needed_bytes=1, tmpfs=tmp_path)
    assert (folder.path / LOCK).read_bytes() == b"leanrl --run-dir runs/\xff"
    folder.close()
