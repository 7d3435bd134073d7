"""The most bytes that the CPU's allocator held at one time, counted from its own events."""

import gc
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def allocator_peak(work: Callable[[], object]) -> int:
    """Return the highest sum of what `work` had allocated and not yet freed."""
    # Garbage of earlier work would be freed under the profiler, and counted as less than nothing.
    gc.collect()
    gc.disable()
    try:
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
            work()
    finally:
        gc.enable()
    events = [event for event in recorded.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak
