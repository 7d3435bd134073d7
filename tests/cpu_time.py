"""CPU time of work in this process, and whether it stays below a bound."""

import gc
import time
from collections.abc import Callable


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of some work, without the garbage of other tests that it would collect on the way."""
    gc.disable()
    try:
        started = time.thread_time()
        work()
        return time.thread_time() - started
    finally:
        gc.enable()


def is_within(seconds: float, work: Callable[[], object]) -> bool:
    """Return whether work takes less CPU time; what else the machine does adds to a measurement, so three may try."""
    return any(cpu_seconds(work) < seconds for _ in range(3))
