"""How long a process has lived, whatever its wall clock says."""

import subprocess
import sys
import time

from leanrl.machine.process_age import process_seconds

_CHILD = (
    "import time; time.sleep(0.3); from leanrl.machine.process_age import process_seconds; print(process_seconds())"
)


def test_it_counts_from_the_start_of_the_process():
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True)
    assert 0.3 <= float(done.stdout) <= time.monotonic() - began + 0.02  # ticks of the kernel are 0.01 s


def test_a_clock_that_is_set_back_changes_nothing(monkeypatch):
    before, real = process_seconds(), time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600)
    assert before <= process_seconds() < before + 60
