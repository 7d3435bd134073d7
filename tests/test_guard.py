"""A guard and what starts it: nobody waits for ever for a process that does not end."""

import logging
import subprocess
import sys
import time

import pytest

from leanrl import guard
from leanrl.guard import end_guard

_IGNORES_ITS_PIPE = "import time; print('up', flush=True); time.sleep(60)"


def started(*command: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_guard_ends_its_command_when_its_pipe_closes():
    process = started("-m", "leanrl.guard", sys.executable, "-c", _IGNORES_ITS_PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    end_guard(process, "the command")
    assert process.returncode == 128 + 15


def test_a_guard_that_does_not_end_is_left_with_a_warning(monkeypatch, caplog):
    monkeypatch.setattr(guard, "_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(guard, "_END_SECONDS", 0.05)
    process = started("-c", _IGNORES_ITS_PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        end_guard(process, "training rank 1")
    assert time.monotonic() - began < 10
    assert caplog.messages[0].startswith("training rank 1 does not end, nor does its guard")
    process.wait(10)


@pytest.mark.parametrize("number", [9, 15])
def test_a_guard_gives_the_code_of_a_command_that_a_signal_ends(number):
    process = started("-m", "leanrl.guard", sys.executable, "-c", f"import os; os.kill(os.getpid(), {number})")
    assert process.wait(30) == 128 + number
