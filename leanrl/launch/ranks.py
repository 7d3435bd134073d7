"""The training ranks of one machine: started together, watched together, and ended together."""

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from leanrl.guard import end_guard, let_go
from leanrl.launch.signals import ENDING_SIGNALS, ending_signals
from leanrl.launch.this_rank import MEETING, leaving_ranks
from leanrl.launch.topology import ProcessSpec
from leanrl.machine.endings import ending_in_words
from leanrl.storage.temporary.owned import owned_folder

_HOST = "127.0.0.1"
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
# gloo listens where the host's name leads, and NCCL on the first card of the network, unless they are told otherwise
# (torch 2.13, ProcessGroupGloo.cpp; NCCL's user guide, NCCL_SOCKET_IFNAME). What the user has set stays.
_ON_LOOPBACK = {"GLOO_SOCKET_IFNAME": _LOOPBACK, "NCCL_SOCKET_IFNAME": _LOOPBACK}
# Shorter than a process with torch takes to leave: of two that fail, the other one begins when the first is gone.
_POLL_SECONDS = 0.02
# When one rank fails, those that waited for it fail with it, and some of them say why before it has ended.
_SETTLE_SECONDS = 0.5
# A process with torch takes a while to leave, and longer on a busy machine.
_LEAVE_SECONDS = 30.0
# How C++ libraries end a process that has lost its partner; other signals come from outside or are a fault of its own.
_ABORTED = 128 + signal.SIGABRT
_LOG_LINES = 15


class RanksFailedError(Exception):
    """A rank ended with a code that is not 0: which one, and the end of its log where it has one."""

    def __init__(self, number: int, code: int, log: Path | None) -> None:
        super().__init__(f"rank {number} {ending_in_words(code)}")
        self.number = number
        self.code = code
        self.log = log

    def last_lines(self) -> str:
        if self.log is None:
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])


def run_ranks(specs: list[ProcessSpec], *, logs: Path) -> None:
    """Run all ranks to their end; none is left behind, however this process ends.

    Rank 0 speaks on this process's own terminal, each other one into `logs/rank-N.log`. Signals that
    ask the run to end are passed on to all: they finish the step, save and end; a second one ends them at once.

    Raises:
        RanksFailedError: if a rank fails; the others have been ended by then.
    """
    logs.mkdir(exist_ok=True)
    guards: list[subprocess.Popen[bytes]] = []
    failed: tuple[int, int] | None = None
    temporary = Path(tempfile.gettempdir())
    with owned_folder(temporary, prefix="leanrl-ranks-") as folder, _passing_signals_to(guards):
        # a port for libraries that make a group of their own; torch's store would listen to all of the network there
        meeting = folder.path / "meeting"
        where = {MEETING: str(meeting), "MASTER_PORT": str(_free_port())}
        try:
            for number, spec in enumerate(specs):
                guards.append(_start(spec, meeting=where, log=_log_of(logs, number)))
            failed = _first_failure(guards, meeting)
        finally:
            if failed is not None and not _is_own_word(failed[1]):
                _pass_on(signal.SIGKILL, guards)  # a softer one asks for a step and a checkpoint that take all of them
            _end(guards)
    if failed is not None:
        number, code = failed
        raise RanksFailedError(number, code, _log_of(logs, number))


def _log_of(logs: Path, number: int) -> Path | None:
    return None if number == 0 else logs / f"rank-{number}.log"


def _start(spec: ProcessSpec, *, meeting: Mapping[str, str], log: Path | None) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "leanrl.guard", sys.executable, *spec.command[1:]]
    with contextlib.ExitStack() as stack:
        output = None if log is None else stack.enter_context(log.open("ab"))
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={**_ON_LOOPBACK, **os.environ, **spec.environment, **meeting},
            start_new_session=True,  # a Ctrl-C on the terminal comes here, and is passed on once
        )


def _first_failure(guards: "list[subprocess.Popen[bytes]]", meeting: Path) -> tuple[int, int] | None:
    """Return the rank that failed first and its code soon after it has, or None when all have ended well."""
    ended: list[int] = []
    failed_at = math.inf
    while len(ended) < len(guards) and time.monotonic() - failed_at < _patience(guards, ended, meeting):
        ended += [number for number, guard in enumerate(guards) if number not in ended and guard.poll() is not None]
        if any(guards[number].returncode for number in ended):
            failed_at = min(failed_at, time.monotonic())
        time.sleep(_POLL_SECONDS)
    in_order = dict.fromkeys(number for number in [*leaving_ranks(meeting), *ended] if number in ended)
    failed = [(number, guards[number].returncode) for number in in_order if guards[number].returncode]
    return min(failed, key=lambda found: _likely_effect(found[1]), default=None)


def _patience(guards: "list[subprocess.Popen[bytes]]", ended: list[int], meeting: Path) -> float:
    """Return the seconds that others get to end by themselves after a failure.

    A rank that has noted that it leaves may have failed first, and one that is asked to end may write a summary.
    """
    is_asked = any((guards[number].returncode or 0) - 128 in ENDING_SIGNALS for number in ended)
    return _LEAVE_SECONDS if is_asked or not set(leaving_ranks(meeting)) <= set(ended) else _SETTLE_SECONDS


def _likely_effect(code: int) -> int:
    """Return how likely a rank has ended with this code because another one was gone: 0, 1 or 2.

    A rank that chose its code had a reason of its own, and one that was killed did not look at the others. With a
    traceback a rank ends for either reason.
    """
    if _is_own_word(code):
        return 0
    return 1 if code > 128 and code != _ABORTED else 2


def _is_own_word(code: int) -> bool:
    """Whether a rank chose its code: it may end as all of them do."""
    return 1 < code < 128 or code - 128 in ENDING_SIGNALS


def _end(guards: "list[subprocess.Popen[bytes]]") -> None:
    """Close every pipe; each guard then ends its rank with everything that the rank has started."""
    for guard in guards:
        let_go(guard)
    for number, guard in enumerate(guards):
        end_guard(guard, f"training rank {number}")


@contextmanager
def _passing_signals_to(guards: "list[subprocess.Popen[bytes]]") -> Iterator[None]:
    """Pass signals on within; outside of the main thread they are left to whoever has them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def pass_on(number: int, _: FrameType | None) -> None:
        _pass_on(number, guards)

    previous = {number: signal.signal(number, pass_on) for number in ending_signals()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _pass_on(number: int, guards: "list[subprocess.Popen[bytes]]") -> None:
    for guard in guards:
        assert guard.stdin is not None
        with contextlib.suppress(OSError, ValueError):  # it has ended, or its pipe is closed
            os.write(guard.stdin.fileno(), bytes([number]))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])
