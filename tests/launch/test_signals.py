"""A signal before or behind the training loop: what is trained is kept, and the message says how it goes on."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leanrl.errors import InterruptedRunError
from leanrl.launch.signals import ENDING_SIGNALS, stopping_at_signals
from leanrl.storage.run_folder import RunFolder, create_run_folder, read_json, write_json


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = create_run_folder(tmp_path / "run")
    write_json(folder.summary, {"status": "running", "steps": 0})
    return folder


@pytest.fixture(autouse=True)
def terminal() -> Iterator[None]:
    """Signals as a terminal leaves them; the tests may run under nohup, which has SIGHUP ignored."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGUSR1)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _hear(run: RunFolder, number: signal.Signals) -> None:
    with stopping_at_signals(run):
        os.kill(os.getpid(), number)
        time.sleep(5)


def _stopped(run: RunFolder, number: signal.Signals) -> InterruptedRunError:
    before = signal.getsignal(number)
    with pytest.raises(InterruptedRunError) as stopped:
        _hear(run, number)
    assert signal.getsignal(number) is before
    return stopped.value


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_before_the_first_checkpoint_the_run_starts_anew(run: RunFolder, number: signal.Signals) -> None:
    error = _stopped(run, number)
    assert error.message == f"stopped by {number.name} before the first checkpoint."
    assert error.exit_code == 128 + number
    assert str(run.start_anew()) in error.hint
    assert read_json(run.summary)["status"] == "stopped"


def test_with_a_checkpoint_the_run_goes_on(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunFolder, "complete_checkpoints", lambda self: [self.checkpoint(3)])
    error = _stopped(run, signal.SIGTERM)
    assert error.message == "stopped by SIGTERM; step-000003 holds what is trained."
    assert "--resume" in error.hint


def test_within_the_report_the_run_is_complete(run: RunFolder) -> None:
    write_json(run.summary, {"status": "finished"})
    error = _stopped(run, signal.SIGTERM)
    assert "the run is complete" in error.message
    assert read_json(run.summary)["status"] == "finished"


def test_nohup_keeps_a_run_from_hearing_that_its_terminal_closes(run: RunFolder) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_at_signals(run):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def _close_terminal(run: RunFolder) -> None:
    with stopping_at_signals(run):
        try:
            os.kill(os.getpid(), signal.SIGHUP)
        finally:
            os.kill(os.getpid(), signal.SIGHUP)


def test_a_closing_terminal_that_is_told_twice_stops_once(run: RunFolder) -> None:
    """The shell and the kernel send SIGHUP each; the second comes while the first is answered."""
    before = signal.getsignal(signal.SIGHUP)
    with pytest.raises(InterruptedRunError):
        _close_terminal(run)
    assert signal.getsignal(signal.SIGHUP) is before


def test_outside_of_the_main_thread_signals_stay_as_they_are(run: RunFolder) -> None:
    """A notebook may train in a thread; Python sets handlers in the main one alone."""
    found = []

    def train() -> None:
        with stopping_at_signals(run):
            found.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=train)
    thread.start()
    thread.join(timeout=60)
    assert found == [before]
