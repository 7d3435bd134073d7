"""The child process that judges answers, one at a time, until its parent closes the pipe or kills it.

It may hang, swell or crash on any answer: the kernel ends it at the limits below, the parent at its wall clock.
Its arguments are PARENT_PID MEMORY_BYTES CPU_SECONDS; `child` is the other side.
"""

import ctypes
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from leanrl.grading.process.frames import read_frame, write_frame
from leanrl.grading.process.warmup import EACH_KIND
from leanrl.grading.scorers.gold import is_scored
from leanrl.grading.scorers.scoring import prepare

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
CPU_LIMIT_SIGNAL = signal.SIGPROF  # what ITIMER_PROF sends
_NEARLY = 0.9  # of the memory limit: an answer that came so close was refused memory


def main(arguments: list[str]) -> int:
    """Serve requests from stdin until it closes."""
    parent_pid, memory_bytes, cpu_seconds = int(arguments[0]), int(arguments[1]), float(arguments[2])
    requests, replies = _take_pipes()
    _die_with_parent(parent_pid)
    _limit_memory(memory_bytes)
    _let_cpu_limit_end_process()
    try:
        judge = _load_judge()
    except Exception:
        write_frame(replies, {"failed": traceback.format_exc()})
        return 1
    write_frame(replies, {"ready": True})
    while True:
        try:
            request = read_frame(requests)
        except EOFError:
            return 0
        if any(map(is_scored, request["golds"])):
            prepare()
        with _cpu_limit(cpu_seconds):
            is_spent = _answer(replies, judge, request, memory_bytes)
        if is_spent:
            return 0


def _answer(replies: int, judge: Callable[..., str], request: dict[str, Any], memory_bytes: int) -> bool:
    """Judge one request and reply; return whether this process has grown so large that it should be replaced."""
    try:
        reason = judge(**request)
    except MemoryError:
        reason = "memory"
    except Exception:  # sympy raises what it likes; this answer has no verdict, the next one may
        reason = "died"
    size_bytes, peak_bytes = _virtual_bytes()
    # sympy takes a MemoryError for a reason to try something else, so that only the peak tells.
    if reason != "correct" and peak_bytes > _NEARLY * memory_bytes:
        reason = "memory"
    is_spent = reason == "memory" or size_bytes > memory_bytes // 2
    write_frame(replies, {"reason": reason, "is_spent": is_spent})
    return is_spent


def _load_judge() -> Callable[..., str]:
    """Import the parser (most of a second) and use it, so that the first answer of each kind finds it warm."""
    from leanrl.grading.judgement import judge

    for task in EACH_KIND:
        judge(**asdict(task))
    return judge


def _take_pipes() -> tuple[int, int]:
    """Keep the pipes for frames and point stdin and stdout elsewhere: what a parser prints must not get between."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    return requests, replies


def _die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process with the thread that started it, where the kernel can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit(0)  # it died before the call above


def _limit_memory(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _let_cpu_limit_end_process() -> None:
    """Undo what a parent may have set for its own profiler; a process inherits ignored and blocked signals."""
    signal.signal(CPU_LIMIT_SIGNAL, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {CPU_LIMIT_SIGNAL})


@contextmanager
def _cpu_limit(seconds: float) -> Iterator[None]:
    """Have the kernel end this process if the block uses more CPU seconds, in user and kernel mode together.

    The timer of RLIMIT_CPU counts whole seconds and the life of the process; this one counts an answer. A parent that
    is dead or busy is not needed for it. No handler of Python's runs, so code in C cannot hold it up.
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _virtual_bytes() -> tuple[int, int]:
    """Return the address space in use and its peak, which is what RLIMIT_AS bounds; 0 where /proc does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
    except OSError:
        return 0, 0
    return int(fields["VmSize"].split()[0]) * 1024, int(fields["VmPeak"].split()[0]) * 1024
