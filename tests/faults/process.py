"""A real `leanrl train` in a process that a test can kill, and what it tells of its phases."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.cli.run import Outcome
from tests.families import forked

PIPE = "LEANRL_TOLD_PHASES"
# Many times what a run takes on a busy machine: what is longer hangs.
LONGEST_SECONDS = 600.0


class HangError(AssertionError):
    """A process that should have ended goes on."""


@dataclass(frozen=True)
class Event:
    """The beginning or the end of a phase of one process."""

    pid: int
    rank: int
    phase: str
    is_begin: bool
    seconds: float


@dataclass
class Told:
    """The phases that processes tell on a pipe."""

    descriptor: int
    _rest: bytes = b""
    events: list[Event] = field(default_factory=list)

    def read(self, *, wait_seconds: float = 0.0) -> list[Event]:
        """Return the events that have come since the last call, after a wait for the first of them."""
        readable, _, _ = select.select([self.descriptor], [], [], wait_seconds)
        data = os.read(self.descriptor, 2**16) if readable else b""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found = [_event(line.decode()) for line in lines]
        self.events += found
        return found


def _event(line: str) -> Event:
    pid, rank, phase, what, seconds = line.split()
    return Event(int(pid), int(rank), phase, what == "begin", float(seconds))


@contextmanager
def told_phases(folder: Path) -> Iterator[Told]:
    """Make the pipe for processes of a folder."""
    path = folder / "phases"
    os.mkfifo(path)
    # Both ways: a pipe without a writer would be at its end between two processes.
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        yield Told(descriptor)
    finally:
        os.close(descriptor)
        path.unlink()


class TrainProcess:
    """A command of the command line that runs; cold in an interpreter of its own, otherwise in a fork of this one."""

    def __init__(
        self,
        arguments: list[str | Path],
        *,
        folder: Path,
        is_cold: bool,
        tells: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        out, err = folder / "out", folder / "err"
        more = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        more |= {PIPE: str(folder / "phases")} if tells else {}
        more |= environment or {}
        self._out, self._err = out, err
        self._code: int | None = None
        if is_cold:
            with out.open("wb") as to_out, err.open("wb") as to_err:
                command = [sys.executable, "-m", "leanrl", *map(str, arguments)]
                self.pid = subprocess.Popen(command, env=os.environ | more, stdout=to_out, stderr=to_err).pid
        else:
            self.pid = forked.start(partial(_command, arguments, more), out, err)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, unless it has ended."""
        if self.code() is None:
            os.kill(self.pid, number)

    def code(self) -> int | None:
        """Return the exit code, minus the signal's number where one ended it, or None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def outcome(self, told: Told | None = None) -> Outcome:
        """Return what it did when it has ended, and read what it tells meanwhile: a full pipe would stop it.

        Raises:
            HangError: after the longest time.
        """
        deadline = time.monotonic() + LONGEST_SECONDS
        while (code := self.code()) is None:
            if time.monotonic() > deadline:
                self.kill()
                raise HangError(f"process {self.pid} goes on after {LONGEST_SECONDS:.0f} s")
            if told is None:
                time.sleep(0.02)
            else:
                told.read(wait_seconds=0.02)
        if told is not None:
            told.read()
        return Outcome(code, self._out.read_text(errors="replace"), self._err.read_text(errors="replace"))


def _command(arguments: list[str | Path], more: dict[str, str]) -> None:
    os.environ.update(more)
    forked.run_command(arguments)
