"""One process on a run folder: the second is told who the first is."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from leanrl.errors import ConfigError
from leanrl.pipeline import resume
from leanrl.storage.run_lock import hold

HOLDS = "import sys, time; from pathlib import Path; from leanrl.storage.run_lock import hold\n"
HOLDS += "with hold(Path(sys.argv[1])):\n"
HOLDS += "    print('held', flush=True); time.sleep(600)"


def test_a_second_process_is_told_who_runs_and_a_kill_lets_go(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(ConfigError, match=f"is being trained by process {holder.pid} on ") as caught,
            hold(tmp_path),
        ):
            pass
        assert f"kill -TERM {holder.pid}" in caught.value.hint
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with hold(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")


def test_a_lock_file_that_cannot_be_read_still_refuses(tmp_path):
    (tmp_path / ".lock").write_bytes(b"\xff\xfe\x00")
    with (tmp_path / ".lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="a second process would damage it") as caught, hold(tmp_path):
            pass
        assert f"`fuser -v {tmp_path} {tmp_path / '.lock'}` names it" in caught.value.hint
    with hold(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")


def test_a_process_of_another_machine_is_stopped_there(tmp_path):
    (tmp_path / ".lock").write_text("process 12 on node-7 since 2026-01-01 00:00:00\n")
    with (tmp_path / ".lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="by process 12 on node-7") as caught, hold(tmp_path):
            pass
    assert caught.value.hint.endswith("`kill -TERM 12` on node-7")


def _deleted(file):
    file.unlink(missing_ok=True)


def _link(file):
    _deleted(file)
    file.symlink_to(file.parent.parent / "mine.txt")


def _pipe(file):
    _deleted(file)
    os.mkfifo(file)


def _folder(file):
    _deleted(file)
    file.mkdir()


@pytest.mark.parametrize("put", [_deleted, _link, _pipe, _folder])
@pytest.mark.parametrize("is_before", [True, False])
def test_whatever_lies_in_the_place_of_the_lock_file_a_folder_has_one_owner(tmp_path, put, is_before):
    """The folder itself is locked too, and what a link leads to is not written."""
    run, mine = tmp_path / "run", tmp_path / "mine.txt"
    run.mkdir()
    mine.write_text("of a user's own")
    if is_before:
        put(run / ".lock")
    with hold(run):
        if not is_before:
            put(run / ".lock")
        with pytest.raises(ConfigError, match="a second process would damage it"), hold(run):
            pass
    with hold(run):
        pass
    assert mine.read_text() == "of a user's own"


def test_a_folder_is_one_by_whatever_name(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "latest").symlink_to("run")
    with hold(tmp_path / "run"), pytest.raises(ConfigError, match="a second process"), hold(tmp_path / "latest"):
        pass


def test_a_file_alone_is_locked_where_a_file_system_locks_no_folder(tmp_path, monkeypatch):
    """NFS takes locks of files that are open for writing; its refusal is played here."""
    lock = fcntl.flock

    def of_nfs(descriptor, operation):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", of_nfs)
    with hold(tmp_path), pytest.raises(ConfigError, match=f"by process {os.getpid()} on "), hold(tmp_path):
        pass


def test_a_lock_is_free_again_after_an_error(tmp_path):
    with pytest.raises(ValueError, match="inside"), hold(tmp_path):
        raise ValueError("inside")
    with hold(tmp_path):
        pass


def test_a_folder_that_takes_no_lock_is_used_without(tmp_path):
    (tmp_path / ".lock").mkdir()
    with hold(tmp_path):
        pass


def test_a_run_that_goes_is_not_resumed_beside_it(tmp_path, tiny_model):
    """Nothing is changed by the refusal: neither the metrics nor a checkpoint."""
    from tests.cli.test_broken_files import train

    run = train(tiny_model, tmp_path / "run")
    (run / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n')
    with hold(run), pytest.raises(ConfigError, match=f"is being trained by process {os.getpid()}"):
        resume(run)
    assert (run / "metrics.jsonl").read_text().count("\n") == 3
