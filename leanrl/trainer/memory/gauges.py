"""Gauges: what a memory meter reads, on a GPU and on a CPU."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import torch

from leanrl.rollout.vllm.sleep import released_bytes
from leanrl.trainer.memory.phase_meter import Gauge, Peak

# proc(5): writing 5 resets the peak resident set size, which `status` shows as VmHWM.
_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def choose_gauge(device: torch.device) -> Gauge:
    """Return the gauge of the device that trains; it has to be asked before anything is reset."""
    if device.type == "cuda":
        return CudaGauge(torch.cuda, device, released_bytes=released_bytes)
    return PeakRssGauge(_CLEAR_REFS, _STATUS) if _can_reset() else SampledRssGauge(psutil.Process())


class CudaGauge:
    """The allocator's own peaks on one GPU, a colocated vLLM's tensors among them.

    What NCCL, the CUDA context and other processes take is not in them.

    Args:
        released_bytes: returns the bytes that are counted and were given back to the card. The fewer of both ends of a
            stretch are taken off: whoever takes them again within a stretch ends it there (`PhaseMeter.split`).
    """

    device = "cuda"
    source = "torch.cuda allocator, peak of the phase"

    def __init__(self, cuda: ModuleType | Any, device: Any, *, released_bytes: Callable[[], int] = lambda: 0) -> None:
        self._cuda, self._device = cuda, device
        self._released_bytes = released_bytes
        self._released_at_reset = 0

    def read(self) -> Peak:
        """Wait for the kernels that were launched: their seconds belong to the phase that launched them."""
        self._cuda.synchronize(self._device)
        released = min(self._released_at_reset, self._released_bytes())
        allocated, reserved = self._cuda.max_memory_allocated, self._cuda.max_memory_reserved
        return Peak(allocated(self._device) - released, reserved(self._device) - released)

    def reset(self) -> None:
        self._cuda.reset_peak_memory_stats(self._device)
        self._released_at_reset = self._released_bytes()


class PeakRssGauge:
    """The peak resident size of this process, Python and its libraries included; Linux keeps it."""

    device = "cpu"
    source = "resident size of the process, peak of the phase"

    def __init__(self, clear_refs: Path, status: Path) -> None:
        self._clear_refs, self._status = clear_refs, status

    def read(self) -> Peak:
        return Peak(_peak_rss_bytes(self._status))

    def reset(self) -> None:
        self._clear_refs.write_text("5")


class SampledRssGauge:
    """The resident size of this process where its peak cannot be had: a phase's end stands for the phase."""

    device = "cpu"
    source = "resident size of the process, sampled at the end of the phase"

    def __init__(self, process: psutil.Process) -> None:
        self._process = process

    def read(self) -> Peak:
        return Peak(self._process.memory_info().rss)

    def reset(self) -> None:
        """Keep nothing: every reading is of its moment."""


def _can_reset() -> bool:
    """Return whether the peak can be read and reset here, without resetting it."""
    try:
        with _CLEAR_REFS.open("w"):
            return _peak_rss_bytes(_STATUS) > 0
    except (OSError, ValueError):
        return False


def _peak_rss_bytes(status: Path) -> int:
    """Return VmHWM in bytes.

    Raises:
        ValueError: if the file has no such line.
    """
    for line in status.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"{status} has no VmHWM.")
