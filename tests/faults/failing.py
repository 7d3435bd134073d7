"""A plug-in that makes something fail in the middle of a run.

LEANRL_FAULT is `STEP,FAULT,VALUES`: in the step that follows so many others. A process without it does nothing.
"""

import math
import os
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from leanrl.rewards.registry import reward
from leanrl.trainer.step.step import Step
from leanrl.types import Sample

_VARIABLE, _FILLER = "LEANRL_FAULT", "filler"


@reward("failing")
def failing(sample: Sample) -> float:
    """Return 0: a plug-in has to register something, and no run of the faults pays this."""
    return 0.0


def _fill(folder: str, bytes_left: str) -> None:
    """Fill a disk but for so many bytes."""
    free = shutil.disk_usage(folder).free - int(bytes_left)
    with (Path(folder) / _FILLER).open("wb") as file:
        for start in range(0, free, 2**20):
            file.write(bytes(min(2**20, free - start)))


def _limit_files(most_bytes: str) -> None:
    """Let no file grow beyond so many bytes, as `ulimit -f` does; the signal of it is ignored by Python."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def _set_clock(seconds: str) -> None:
    """Let the wall clock jump; what measures durations does not read it."""
    real = time.time
    time.time = lambda: real() + float(seconds)


def _kill_graders() -> None:
    """Kill every child process that judges answers."""
    graders = [child for child in psutil.Process().children() if "leanrl.grading" in " ".join(child.cmdline())]
    assert graders, "no grader runs"
    for child in graders:
        child.kill()


def _send(number: str) -> None:
    os.kill(os.getpid(), int(number))


FAULTS: dict[str, Callable[..., None]] = {
    "fill": _fill,
    "limit": _limit_files,
    "clock": _set_clock,
    "graders": _kill_graders,
    "signal": _send,
}


def _fail_at(step: int, name: str, values: list[str]) -> None:
    take, rows_of_update = Step.take, Step.rows_of_update

    def failing_take(self: Step, *arguments: Any, **named: Any) -> Any:
        if named["step"] == step and name != "nan":
            FAULTS[name](*values)
        return take(self, *arguments, **named)

    def failing_rows(self: Step, *arguments: Any, **named: Any) -> Any:
        rows = rows_of_update(self, *arguments, **named)
        if named["step"] == step and name == "nan":
            rows = [replace(rows[0], advantage=math.nan), *rows[1:]]
        return rows

    Step.take, Step.rows_of_update = failing_take, failing_rows  # type: ignore[method-assign]


if _VARIABLE in os.environ and not hasattr(Step, "is_failing"):  # checks and the run each load the file
    Step.is_failing = True  # type: ignore[attr-defined]
    at_step, fault, *fault_values = os.environ[_VARIABLE].split(",")
    _fail_at(int(at_step), fault, fault_values)
