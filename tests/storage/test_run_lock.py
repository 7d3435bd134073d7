"""One process on a run folder: the second is told who the first is."""

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
        assert f"`fuser -v {tmp_path / '.lock'}` names it" in caught.value.hint
    with hold(tmp_path):
        assert (tmp_path / ".lock").read_text().startswith(f"process {os.getpid()} on ")


def test_a_process_of_another_machine_is_stopped_there(tmp_path):
    (tmp_path / ".lock").write_text("process 12 on node-7 since 2026-01-01 00:00:00\n")
    with (tmp_path / ".lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="by process 12 on node-7") as caught, hold(tmp_path):
            pass
    assert caught.value.hint.endswith("`kill -TERM 12` on node-7")


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
