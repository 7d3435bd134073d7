"""A plug-in that makes something fail in the middle of a run.

LEANRL_FAULT is `STEP,FAULT,VALUES`: in the step that follows so many others. A process without it does nothing. With
`graders`, and with `none` beside it to compare, each completion gets an answer that only a grader process can judge.
"""

import fcntl
import json
import math
import os
import resource
import select
import shutil
import termios
import time
import zlib
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from leanrl.grading.pool import GraderPool
from leanrl.grading.process.child import Child
from leanrl.rewards.registry import reward
from leanrl.trainer.step.step import Step
from leanrl.types import GradeRequest, Sample, Verdict

_VARIABLE, _FILLER = "LEANRL_FAULT", "filler"
_NOT_RUNNING = (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


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


def _box_answers() -> None:
    """Give each completion an answer that needs a parser, equal to the gold answer for one text of three."""
    grade = GraderPool.grade

    def grade_boxed(self: GraderPool, requests: Sequence[GradeRequest]) -> list[Verdict]:
        return grade(self, [replace(one, completion=_boxed(one)) for one in requests])

    GraderPool.grade = grade_boxed  # type: ignore[method-assign]


def _boxed(request: GradeRequest) -> str:
    digest = zlib.crc32(request.completion.encode())
    value = int(str(request.gold)) + (0 if digest % 3 == 0 else digest % 1000)
    return rf"\boxed{{\sqrt{{{value**2}}}}}"


def _kill_graders(most: str, file: str) -> None:
    """Kill so many children while each judges its answer, and write a line about each into a file.

    Each is stopped first, and goes on where it has answered already. An answer that ends two children is taken for the
    cause, so no answer meets two kills.
    """
    send, receive = Child.send, Child.receive
    met: set[str] = set()
    killed: dict[int, dict[str, Any]] = {}

    def killing_send(self: Child, request: dict[str, Any], *, deadline: float) -> None:
        send(self, request, deadline=deadline)
        if len(killed) == int(most) or repr(request) in met:
            return
        met.add(repr(request))
        process = psutil.Process(self._process.pid)
        is_grader = "leanrl.grading" in " ".join(process.cmdline())
        while _unread_bytes(self) and process.status() not in _NOT_RUNNING:
            pass
        process.suspend()
        while (status := process.status()) not in _NOT_RUNNING:
            pass
        if select.select([self.fileno()], [], [], 0)[0]:
            process.resume()
            return
        killed[process.pid] = {
            "pid": process.pid,
            "is_grader": is_grader,
            "was_running": status == psutil.STATUS_STOPPED,
        }
        process.kill()

    def told_receive(self: Child) -> dict[str, Any]:
        pid, reply = self._process.pid, None
        try:
            reply = receive(self)
        finally:
            if pid in killed:
                row = killed[pid] | {"had_answered": reply is not None, "exit_code": self._process.wait(60)}
                with Path(file).open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(row) + "\n")
        return reply

    Child.send, Child.receive = killing_send, told_receive  # type: ignore[method-assign]


def _unread_bytes(child: Child) -> int:
    """Return how much of a request a child has not read yet."""
    assert child._process.stdin is not None
    size = array("i", [0])
    fcntl.ioctl(child._process.stdin.fileno(), termios.FIONREAD, size)
    return size[0]


def _send(number: str) -> None:
    os.kill(os.getpid(), int(number))


FAULTS: dict[str, Callable[..., None]] = {
    "fill": _fill,
    "limit": _limit_files,
    "clock": _set_clock,
    "graders": _kill_graders,
    "none": lambda: None,
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
    if fault in ("graders", "none"):
        _box_answers()
    _fail_at(int(at_step), fault, fault_values)
