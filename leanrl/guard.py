"""A process that runs one command and ends it when whoever started the guard ends, however that happens.

    python -m leanrl.guard COMMAND...

The guard's standard input is a pipe to its starter. A byte on it is the number of a signal to pass on to the command.
It closes on exit, on a crash and on kill -9 alike; then the command's whole process group is ended. (A parent-death
signal would reach the command alone: vLLM's server starts processes of its own.)
"""

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
from types import FrameType

_log = logging.getLogger(__name__)
# How long vLLM gets to end by itself.
_GRACE_SECONDS = 5.0
# The kernel takes back what a killed process holds in seconds; after this long a disk or a driver keeps it.
_END_SECONDS = 30.0


def main() -> int:
    signal.signal(signal.SIGTERM, _exit)
    woken = _pipe_of_ended_children()
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    # Ctrl-C is the starter's to answer. Not earlier: the command would start with SIGINT ignored, and stay so.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while child.poll() is None:
            readable, _, _ = select.select([sys.stdin, woken], [], [])
            if woken in readable:
                os.read(woken, select.PIPE_BUF)
            if sys.stdin in readable:
                sent = os.read(sys.stdin.fileno(), 1)
                if not sent:
                    break
                with contextlib.suppress(ProcessLookupError):
                    child.send_signal(sent[0])
    finally:
        _end_group(child)
    try:
        code = child.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"process {child.pid} does not end {_END_SECONDS:g} s after it was killed", file=sys.stderr)
        return 128 + signal.SIGKILL
    return code if code >= 0 else 128 - code  # as a shell reports a signal


def end_guard(guard: "subprocess.Popen[bytes]", what: str) -> None:
    """Close the pipe of a guard, and return when its command has ended; one that does not is left with a warning."""
    let_go(guard)
    try:
        guard.wait(_GRACE_SECONDS + 2 * _END_SECONDS)
    except subprocess.TimeoutExpired:
        guard.kill()
        _log.warning(
            "%s does not end, nor does its guard (process %d); `ps -o pid,stat,wchan -g %d` shows what keeps it",
            *(what, guard.pid, guard.pid),
        )


def let_go(guard: "subprocess.Popen[bytes]") -> None:
    """Close the pipe of a guard, which then ends its command; a second call does nothing."""
    assert guard.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        guard.stdin.close()


def _pipe_of_ended_children() -> int:
    """Return what becomes readable with a child's end: of two that end, a starter is to see which was first."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)  # one that is ignored by default wakes nobody
    return woken


def _exit(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    """End what the command has started too; a stopped process is woken, since it would never see the signal."""
    for number in (signal.SIGCONT, signal.SIGTERM):
        _signal_group(child.pid, number)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE_SECONDS)
    _signal_group(child.pid, signal.SIGKILL)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    sys.exit(main())
