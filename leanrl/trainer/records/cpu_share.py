"""The fraction of its threads' time that a process on a CPU gets: below 1 others have the cores, or the step waits."""

import time

import torch


class CpuShares:
    """CPU seconds of a step over its seconds times torch's threads; None on a GPU, whose host mostly waits."""

    def __init__(self, device: torch.device) -> None:
        self._is_cpu = device.type == "cpu"
        self.begin()

    def begin(self) -> None:
        self._wall_start, self._cpu_start = time.perf_counter(), time.process_time()

    def of_step(self) -> float | None:
        """Return the fraction since the step began."""
        if not self._is_cpu:
            return None
        wall_seconds = time.perf_counter() - self._wall_start
        return (time.process_time() - self._cpu_start) / (wall_seconds * torch.get_num_threads())
