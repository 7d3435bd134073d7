"""How long this process has lived, by a clock that nobody sets."""

import os
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

# Field 22 of /proc/PID/stat, counted behind the name, which may hold spaces: ticks from the boot to the start.
_START_FIELD = 19


def process_seconds() -> float:
    """Return the seconds since this process began; a wall clock that is set back makes them no smaller.

    Where the system keeps no such clock, the wall clock is taken, and the least is 0.
    """
    stat = Path("/proc/self/stat")
    if hasattr(time, "CLOCK_BOOTTIME") and stat.is_file():
        ticks = int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[_START_FIELD])
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return max(0.0, time.time() - float(psutil.Process().create_time()))
