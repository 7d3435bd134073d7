"""How many GPUs this machine shows to a process, asked of the driver without torch."""

import ctypes
import os
from collections.abc import Mapping
from pathlib import Path

# Devices that torch can train on without NVML: AMD's driver, NVIDIA's boards without it, and WSL.
_OTHER_DRIVERS = ("/dev/kfd", "/dev/nvhost-gpu", "/dev/nvidia0", "/dev/dxg")


def num_cards_here(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return how many GPUs torch would see, or None where only torch can tell.

    NVML needs no CUDA context, which a process that forks later must not have.
    """
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    chosen = None if visible is None else _num_chosen(visible)
    if chosen == 0:
        return 0
    found = _num_by_nvml()
    if found is None:
        return None if any(Path(driver).exists() for driver in _OTHER_DRIVERS) else 0
    return found if chosen is None else min(found, chosen)


def _num_chosen(visible: str) -> int:
    """CUDA takes devices up to the first entry that names none, such as -1."""
    names = [name.strip() for name in visible.split(",")]
    invalid = (index for index, name in enumerate(names) if not name or name.startswith("-"))
    return next(invalid, len(names))


def _num_by_nvml() -> int | None:
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
        count = ctypes.c_uint()
        if nvml.nvmlInit_v2() != 0 or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return None
        nvml.nvmlShutdown()
    except (OSError, AttributeError):  # no driver, or one without these calls
        return None
    return count.value
