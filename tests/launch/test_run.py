"""What a user reads when a training rank fails: which one, how it ended, and what is left of the run."""

import signal

import pytest

from leanrl.errors import LeanRLError
from leanrl.launch import run as launching
from leanrl.launch.ranks import RanksFailedError
from leanrl.report.progress import PlainListener
from leanrl.storage.run_folder import RunFolder
from tests.planner.sample_runs import cpu_run


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "run")
    written = folder.partial_checkpoints / "step-000004"
    written.mkdir(parents=True)
    folder.publish_checkpoint(written, 4)
    return folder


def failing(run, monkeypatch, code, log=None):
    """Return what a run ends with whose second rank ends with a code."""

    def run_ranks(specs, *, logs):
        raise RanksFailedError(1, code, log)

    monkeypatch.setattr(launching, "run_ranks", run_ranks)
    with pytest.raises(LeanRLError) as caught:
        launching.launch(cpu_run(), run, listener=PlainListener())
    assert caught.value.exit_code == code
    return caught.value


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (signal.SIGKILL, "SIGKILL (the kernel sends it when the host's memory is full; `dmesg | tail` says so)"),
        (signal.SIGSEGV, "SIGSEGV"),
        (signal.SIGABRT, "SIGABRT"),
    ],
)
def test_a_rank_that_was_killed_is_said_to_be_and_the_run_goes_on_from_its_checkpoint(run, monkeypatch, number, says):
    error = failing(run, monkeypatch, 128 + number)
    assert error.message == f"training rank 1 was ended by {says}; step-000004 is its newest checkpoint."
    assert error.hint == f"leanrl train --resume {run.path}"


@pytest.mark.parametrize("code", [1, 2, 128, 250])
def test_a_rank_that_ended_by_itself_is_named_with_its_code_and_its_last_words(run, monkeypatch, tmp_path, code):
    """A run that is resumed would meet the same bug again."""
    log = tmp_path / "rank-1.log"
    log.write_text("RuntimeError: a bug\n")
    error = failing(run, monkeypatch, code, log)
    assert error.message == f"training rank 1 ended with code {code}. The end of {log}:\nRuntimeError: a bug"
    assert error.hint is None


def test_a_run_that_was_asked_to_end_says_what_it_has(run, monkeypatch):
    error = failing(run, monkeypatch, 128 + signal.SIGTERM)
    assert (
        str(error)
        == f"stopped by SIGTERM; step-000004 is its newest checkpoint.\nhint: leanrl train --resume {run.path}"
    )
