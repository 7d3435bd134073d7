"""Peak: the most memory of one side's training phase, in a process of its own.

    python benchmarks/training/train_step_peak.py '{"side": "leanrl", "case": {...}, "scale": {...}, ...}'

Prints one JSON object as its last line. The second of two steps counts, and the first is brief.
"""

import ctypes
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch

from benchmarks.memory.gpu_memory_row import cap_memory
from benchmarks.training.train_step_case import LEANRL, Case, Scale
from benchmarks.training.train_step_sides import Side, locate
from leanrl.machine.environment import quiet_libraries
from leanrl.trainer.memory.gauges import choose_gauge
from leanrl.trainer.memory.phase_meter import Gauge, Peak

M_MMAP_THRESHOLD, MAPPED_BYTES = -3, 128 * 1024  # the name's number in glibc's malloc.h, and glibc's first value


def main() -> None:
    quiet_libraries()
    give_back_what_is_freed()
    asked = json.loads(sys.argv[1])
    print(json.dumps(measure(**asked | {"case": Case(**asked["case"]), "scale": Scale(**asked["scale"])})))


def give_back_what_is_freed() -> None:
    """Have glibc map every tensor by itself, and unmap it when it goes.

    Left alone it learns to keep freed tensors on its heap, and the resident size counts what lies between live ones.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


def measure(
    side: str,
    case: Case,
    scale: Scale,
    *,
    device: str,
    tiny: bool,
    vram_gib: float | None,
    train: dict[str, Any],
) -> dict[str, Any]:
    """Return the side's peak, or that memory ran out."""
    cap_memory(torch.device(device), vram_gib)
    with tempfile.TemporaryDirectory() as folder:
        located = locate(device, tiny=tiny, folder=Path(folder) / "model")
        own = {"folder": Path(folder) / "side", "located": located, "device": device, "train": train}
        taker = Side(side, case, scale, **own, optimizer="adamw_torch_fused")
        phase = _Phase(taker.trainer.training_step, choose_gauge(taker.trainer.accelerator.device))
        if side == LEANRL:
            taker.trainer.meter.gauge = _Untouched()
        taker.trainer.training_step = phase
        try:
            taker.take_briefly()
            phase.begin_again()
            taker.take()
        except torch.OutOfMemoryError as error:
            return {"failed": f"out of memory: {error}"}
    return {"peak_bytes": phase.peak_bytes, "source": phase.gauge.source}


class _Untouched:
    """The gauge of leanrl's own meter, which would start the peak anew behind each of its phases."""

    device: Literal["cuda", "cpu"] = "cpu"
    source = "not read"

    def read(self) -> Peak:
        return Peak(0)

    def reset(self) -> None:
        """Leave the peak to the benchmark."""


class _Phase:
    """`training_step`, metered over all micro-batches from the first call on."""

    def __init__(self, work: Callable[..., Any], gauge: Gauge) -> None:
        self.gauge = gauge
        self._work = work
        self.begin_again()

    def begin_again(self) -> None:
        self.peak_bytes = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.gauge.reset()
        result = self._work(*args, **kwargs)
        self.peak_bytes = max(self.peak_bytes, self.gauge.read().allocated_bytes)
        return result


if __name__ == "__main__":
    main()
