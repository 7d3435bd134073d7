"""A child process is a new program: nothing that its parent holds, a CUDA context least of all, is in it."""

import mmap
import os
import sys
from pathlib import Path

import pytest
import torch

from leanrl.grading.pool import GraderPool
from leanrl.types import GradeRequest
from tests.grading.processes import processes_of, wait_until

NEEDS_A_PARSER = GradeRequest(r"\boxed{x+1}", "1+x")


def open_files(pid: int) -> list[str]:
    """Return what a process's descriptors stand for, each without its number; nothing while they change."""
    try:
        return [os.readlink(link).partition(":")[0] for link in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:
        return []


def maps(pid: int | str) -> str:
    """Return what is mapped into a process's memory."""
    return Path(f"/proc/{pid}/maps").read_text()


@pytest.fixture
def judging():
    """A function that grades once and returns the new children; the pool closes at the end."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1) as pool:

        def judge() -> set[int]:
            assert pool.grade([NEEDS_A_PARSER])[0].correct
            return processes_of(os.getpid()) - before

        yield judge


def test_a_child_is_started_by_exec(monkeypatch, judging):
    """A fork would have the parent's command line, and the environment that the parent itself was started with."""
    monkeypatch.setenv("LC_LEANRL_TEST_MARK", "set after the start")
    pids = judging()
    assert len(pids) == 2  # the worker and the spare one
    for pid in pids:
        wait_until(lambda pid=pid: Path(f"/proc/{pid}/environ").read_bytes())  # empty at the very start
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        assert arguments[0] == sys.executable
        assert "from leanrl.grading.process.worker import main" in arguments[3]
        assert "LC_LEANRL_TEST_MARK=set after the start" in Path(f"/proc/{pid}/environ").read_text().split("\0")
        assert "LC_LEANRL_TEST_MARK" not in Path("/proc/self/environ").read_text()


def test_a_child_has_no_files_of_its_parent(tmp_path, judging):
    """Not even one that the parent marked as inheritable, as a driver may: null and two pipes is all."""
    with (tmp_path / "held").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        for pid in judging():
            wait_until(lambda pid=pid: set(open_files(pid)) == {"/dev/null", "pipe"})
            assert open_files(pid).count("pipe") == 2


def test_a_child_has_no_memory_of_its_parent(tmp_path, judging):
    """Neither what the parent has mapped to share, nor the library that holds its CUDA context."""
    import torch  # noqa: F401 (its libraries shall be in this process)

    held = tmp_path / "held"
    held.write_bytes(bytes(mmap.PAGESIZE))
    with held.open("r+b") as file, mmap.mmap(file.fileno(), mmap.PAGESIZE, flags=mmap.MAP_SHARED):
        pids = judging()
        assert str(held) in maps("self")
        assert "libtorch" in maps("self")
        for pid in pids:
            assert str(held) not in maps(pid)
            assert "libtorch" not in maps(pid)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="a CUDA context can only be made on a CUDA device")
def test_a_cuda_context_in_the_parent_harms_nobody(judging):
    """Grading works with one, the children hold neither device nor driver, and the context lives on."""
    ones = torch.ones(1000, device="cuda")
    for pid in judging():
        assert not any("nvidia" in name for name in open_files(pid))
        assert "libcuda" not in maps(pid)
    assert ones.sum().item() == 1000
