"""What runs beside the training: one task at a time, awaited within a deadline, its errors heard."""

import errno
import threading
from pathlib import Path

import pytest

from leanrl.errors import StoppedError
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints import publishing
from leanrl.trainer.checkpoints.background import Background
from leanrl.trainer.checkpoints.publishing import Publishing


def test_a_task_runs_beside_and_is_waited_for():
    gate, done = threading.Event(), []
    background = Background("task")
    background.begin(lambda: done.append(gate.wait(30)))
    assert not background.wait(0.01)
    gate.set()
    assert background.wait(30)
    assert done == [True]
    background.begin(lambda: done.append("again"))
    assert background.wait(30)
    assert done == [True, "again"]


def test_an_error_is_raised_once_by_whoever_waits():
    def fail():
        raise OSError(errno.EROFS, "Read-only file system")

    background = Background("task")
    background.begin(fail)
    with pytest.raises(OSError, match="Read-only"):
        background.wait(30)
    assert background.wait(30)


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def written(run: RunFolder, step: int) -> Path:
    folder = run.partial_checkpoints / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "weights").write_text("w")
    return folder


@pytest.fixture
def gate(monkeypatch):
    """Holds every checkpoint before its rename, as a slow disk does."""
    opened, publish = threading.Event(), RunFolder.publish_checkpoint

    def held(self, folder, step):
        assert opened.wait(30)
        return publish(self, folder, step)

    monkeypatch.setattr(RunFolder, "publish_checkpoint", held)
    return opened


def test_training_goes_on_and_nothing_is_complete_before_its_rename(run, gate):
    kept = Publishing(run, 1, None, in_background=True)
    written(run, 1)
    kept.publish(1)
    assert run.complete_checkpoints() == []
    gate.set()
    assert kept.has(1)
    assert not run.partial_checkpoints.exists()


def test_without_it_the_step_waits_for_the_disk(run):
    written(run, 1)
    Publishing(run, 1, None, in_background=False).publish(1)
    assert run.complete_checkpoints() == [run.checkpoint(1)]


def test_a_disk_that_does_not_answer_ends_the_run_with_a_sentence(run, gate, monkeypatch):
    monkeypatch.setattr(publishing, "_LONGEST_SECONDS", 0.01)
    kept = Publishing(run, 1, None, in_background=True)
    written(run, 1)
    kept.publish(1)
    with pytest.raises(StoppedError, match="is not on the disk") as caught:
        kept.wait()
    assert f"leanrl train --resume {run.path}" in str(caught.value.hint)
    gate.set()


def test_a_full_disk_is_told_of_when_the_next_one_comes(run, monkeypatch):
    def full(self, folder, step):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunFolder, "publish_checkpoint", full)
    kept = Publishing(run, 1, None, in_background=True)
    written(run, 3)
    kept.publish(3, needed_bytes=lambda: 2**30)
    with pytest.raises(StoppedError, match=r"the disk is full: the checkpoint of step 3 needs 1\.00 GiB"):
        kept.wait()
