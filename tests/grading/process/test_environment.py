"""A grader's child has nothing of the environment that a hostile answer could want."""

import os
import time
from pathlib import Path

import pytest

from leanrl.grading.process.child import Child


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the environment of a process is read from /proc")
def test_a_child_inherits_no_secret(monkeypatch: pytest.MonkeyPatch):
    for name in ("HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "a-secret")
    child = Child(cpu_seconds=2.0, memory_bytes=2**31)
    try:
        environment = _environment_of(child._process.pid)
    finally:
        child.kill()
    assert b"a-secret" not in environment
    assert os.environ["PATH"].encode() in environment


def _environment_of(pid: int) -> bytes:
    """Return the environment of a process; the kernel has it a moment after the program begins, and nothing before."""
    deadline = time.monotonic() + 30
    while not (found := Path(f"/proc/{pid}/environ").read_bytes()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found
