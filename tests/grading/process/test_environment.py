"""A grader's child has nothing of the environment that a hostile answer could want."""

import os
from pathlib import Path

import pytest

from leanrl.grading.process.child import Child


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the environment of a process is read from /proc")
def test_a_child_inherits_no_secret(monkeypatch: pytest.MonkeyPatch):
    for name in ("HF_TOKEN", "WANDB_API_KEY", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "a-secret")
    child = Child(cpu_seconds=2.0, memory_bytes=2**31)
    try:
        environment = Path(f"/proc/{child._process.pid}/environ").read_bytes()
    finally:
        child.kill()
    assert b"a-secret" not in environment
    assert os.environ["PATH"].encode() in environment
