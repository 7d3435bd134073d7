"""Whether processes that a test has seen start are gone."""

import time
from collections.abc import Iterable

import psutil


def alive_after(pids: Iterable[int], *, seconds: float) -> list[int]:
    """Return the processes that have not ended when so many seconds have passed; returns as soon as all have."""
    deadline = time.monotonic() + seconds
    alive = [pid for pid in pids if _is_alive(pid)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.1)
        alive = [pid for pid in alive if _is_alive(pid)]
    return alive


def _is_alive(pid: int) -> bool:
    """A zombie has ended: nobody has asked for its exit code, and not every first process of a container does."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
