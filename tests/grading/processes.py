"""Processes as the kernel lists them."""

import time
from pathlib import Path


def processes_of(pid: int) -> set[int]:
    """Return the children of a process, by the kernel's own list."""
    found = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found.update(int(child) for child in (thread / "children").read_text().split())
    return found


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(is_true, *, seconds: float = 30.0) -> None:
    """Wait for something that happens soon; fail if it does not."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
