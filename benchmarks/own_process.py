"""A measurement in a process of its own, whose memory is nobody else's."""

import multiprocessing
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any


def in_a_process(measure: Callable[..., dict[str, Any]], *args: Any) -> dict[str, Any]:
    """Return what a fresh process measures, whose peak is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, args)


def resident_bytes() -> int:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def peak_bytes() -> int:
    """Return this program's own peak: that of getrusage begins with what the parent held when it started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
