"""Gauges: what a memory meter reads, on a GPU and on a CPU."""

from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import torch

from leanrl.trainer.phase_meter import Gauge, Peak

# proc(5): writing 5 resets the peak resident set size, which `status` shows as VmHWM.
_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def choose_gauge(device: torch.device) -> Gauge:
    """Return the gauge of the device that trains; it has to be asked before anything is reset."""
    if device.type == "cuda":
        return CudaGauge(torch.cuda, device)
    return PeakRssGauge(_CLEAR_REFS, _STATUS) if _can_reset() else SampledRssGauge(psutil.Process())


class CudaGauge:
    """The allocator's own peaks on one GPU; what vLLM, NCCL and the CUDA context take is not in them."""

    device = "cuda"
    source = "torch.cuda allocator, peak of the phase"

    def __init__(self, cuda: ModuleType | Any, device: Any) -> None:
        self._cuda, self._device = cuda, device

    def read(self) -> Peak:
        """Wait for the kernels that were launched: their seconds belong to the phase that launched them."""
        self._cuda.synchronize(self._device)
        return Peak(self._cuda.max_memory_allocated(self._device), self._cuda.max_memory_reserved(self._device))

    def reset(self) -> None:
        self._cuda.reset_peak_memory_stats(self._device)


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
