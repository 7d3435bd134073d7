"""A process's end in words, by the code of Python and by that of a shell."""

import signal
import subprocess
import sys

import pytest

from leanrl.machine.endings import ending_in_words, ending_signal


@pytest.mark.parametrize("code", [0, 1, 2, 127, 128, 250, 255, -99])
def test_a_process_that_ended_by_itself(code):
    assert ending_in_words(code) == f"ended with code {code}"


@pytest.mark.parametrize("code", [-11, 139])
def test_a_signal_has_its_name(code):
    assert ending_in_words(code) == "was ended by SIGSEGV"
    assert ending_signal(code) is signal.SIGSEGV


def test_a_kill_says_who_sends_it():
    program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert ending_in_words(done.returncode).startswith("was ended by SIGKILL (the kernel sends it when ")
