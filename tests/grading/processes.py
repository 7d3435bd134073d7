"""Processes as the kernel lists them."""

import time
from pathlib import Path

import psutil


def processes_of(pid: int) -> set[int]:
    """Return the children of a process, zombies too.

    By the parent that each process names: the kernel's list of children is one for each thread, and a thread that ends
    meanwhile takes its list along.
    """
    return {child.pid for child in psutil.Process(pid).children()}


def state(pid: int) -> str:
    """Return the kernel's letter for what a process does: R computes, S waits; Z is a zombie, X is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not, once the last of its threads has ended."""
    return state(pid) not in "ZX" or len(_threads(pid)) > 1


def are_waiting(pids: set[int], *, seconds: float = 0.3) -> bool:
    """Return whether processes wait for something and use no CPU for a while."""
    before = [_ticks(pid) for pid in pids]
    time.sleep(seconds)
    return {state(pid) for pid in pids} == {"S"} and [_ticks(pid) for pid in pids] == before


def wait_until(is_true, *, seconds: float = 120.0) -> None:
    """Wait for something that happens soon; fail if it does not, on the busiest machine."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return []


def _ticks(pid: int) -> list[str]:
    """Return the CPU time that a process has used."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
