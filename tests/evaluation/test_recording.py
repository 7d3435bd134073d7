"""Completions that are graded beside an engine: a grader that is stuck keeps nobody for ever."""

import threading
from types import SimpleNamespace

import pytest

from leanrl.errors import LeanRLError
from leanrl.eval.drawing.schedule import Draw
from leanrl.evaluation import recording
from leanrl.evaluation.recording import DrawnText, Recorder
from leanrl.types import Row, Verdict
from tests.grading.processes import wait_until


def drawn() -> DrawnText:
    row = Row(id="1", problem="1+1", gold="2", asked_by="1+1")
    return DrawnText(Draw("sums", "1", 0), row, 0, "2", num_tokens=1, is_truncated=False, seconds=0.1)


def recorder(grade, saved) -> Recorder:
    grader, appender = SimpleNamespace(grade=grade), SimpleNamespace(append=saved.append)
    return Recorder(grader, appender, told=lambda record: None)


def test_a_grader_that_is_stuck_is_told_of(monkeypatch):
    monkeypatch.setattr(recording, "_LONGEST_SECONDS", 0.02)
    gate, saved = threading.Event(), []

    def grade(requests):
        gate.wait(30)
        return [Verdict("correct", 0.0)] * len(requests)

    waiting = recorder(grade, saved)
    waiting.add(drawn())
    with pytest.raises(LeanRLError, match="no completion was graded and saved"):
        waiting.close()
    gate.set()


def test_a_grader_that_is_slow_is_waited_for(monkeypatch):
    """One completion comes within each deadline, and the other four do not."""
    monkeypatch.setattr(recording, "_MOST_AT_ONCE", 1)
    may_judge, saved, deadlines = threading.Semaphore(0), [], []

    def grade(requests):
        assert may_judge.acquire(timeout=60)
        return [Verdict("correct", 0.0)] * len(requests)

    waiting = recorder(grade, saved)

    def pass_with_one_more(seconds):
        """Stand in for the clock of a wait for the thread."""
        deadlines.append(seconds)
        may_judge.release()
        wait_until(lambda: waiting._num_saved == len(deadlines))
        if len(deadlines) == 5:
            wait_until(lambda: not waiting._thread.is_alive())

    monkeypatch.setattr(waiting._thread, "join", pass_with_one_more)
    for _ in range(5):
        waiting.add(drawn())
    waiting.close()
    assert len(saved) == 5
    assert deadlines == [recording._LONGEST_SECONDS] * 5
