"""A child process that judges answers, as its parent sees it."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from leanrl.errors import MissingError
from leanrl.grading.process.frames import read_frame, write_frame
from leanrl.grading.process.worker import CPU_LIMIT_SIGNAL

_ROOT = Path(__file__).resolve().parents[3]  # where this leanrl lies
HINT = (
    "`python -c 'import leanrl.grading.judgement'` shows whether its packages are there; "
    "a memory limit below 1 GiB is too little"
)

# -P keeps the working directory, and whatever a user's files there are called, off the child's path. This leanrl's
# folder goes on it where it is not: a checkout that is run in place.
_BOOTSTRAP = """
import sys
folder = sys.argv.pop(1)
if folder not in sys.path:
    sys.path.insert(0, folder)
from leanrl.grading.process.worker import main
sys.exit(main(sys.argv[1:]))
"""

# A reply is written in one piece, and a process that has closed its pipe or is killed ends; what takes longer is stuck.
_LONGEST_SECONDS = 10.0
# What Python and its libraries need; an answer that breaks out of the grader finds no token of the Hub or a tracker.
_INHERITED = frozenset(("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "TMPDIR", "VIRTUAL_ENV"))


class Child:
    """One process running `worker`; it starts at once and reports when it can judge."""

    def __init__(self, *, cpu_seconds: float, memory_bytes: int) -> None:
        limits = [str(os.getpid()), str(memory_bytes), str(cpu_seconds)]
        # No preexec_fn: a vfork and an exec, safe beside CUDA and threads. A group of its own: Ctrl-C and a
        # scheduler's SIGTERM are for the trainer, which may still want its last verdicts.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOTSTRAP, str(_ROOT), *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
            bufsize=0,
            env={name: value for name, value in os.environ.items() if name in _INHERITED or name.startswith("LC_")},
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self.is_ready = False

    def fileno(self) -> int:
        """Return what becomes readable when there is a reply, or when the process has ended."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, request: dict[str, Any], *, deadline: float) -> None:
        """Hand over one request.

        Raises:
            TimeoutError: if the process has not taken all of it when `time.monotonic()` reaches the deadline.
            OSError: if the process has ended.
        """
        assert self._process.stdin is not None
        write_frame(self._process.stdin.fileno(), request, deadline=deadline)

    def receive(self) -> dict[str, Any]:
        """Return the reply whose beginning is there; the first one says whether the process has loaded its parser.

        Raises:
            EOFError: if the process has ended, or has written a part of it and is stuck.
            MissingError: if it could not load the parser.
        """
        try:
            reply: dict[str, Any] = read_frame(self.fileno(), deadline=time.monotonic() + _LONGEST_SECONDS)
        except TimeoutError as error:
            raise EOFError(str(error)) from error
        if "failed" in reply:
            raise MissingError(f"The process that judges answers cannot start: {reply['failed'].strip()}", hint=HINT)
        self.is_ready = True
        return reply

    def kill(self) -> None:
        """End the process without waiting for its end; `reap` does."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def was_ended_by_cpu_limit(self) -> bool:
        """Return whether a process that has closed its pipe had used the CPU seconds of an answer.

        It ends in a moment; one that goes on all the same was not ended by the limit.
        """
        try:
            return self._process.wait(_LONGEST_SECONDS) == -CPU_LIMIT_SIGNAL
        except subprocess.TimeoutExpired:
            return False

    def reap(self) -> None:
        """Wait until the kernel has taken back what the killed process held; one that it keeps is left behind."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_LONGEST_SECONDS)

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None
