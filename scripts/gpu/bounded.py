"""A command in a process group of its own, killed with all its children when its time is over."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE_SECONDS = 10.0
_KEPT_LINES = 12


@dataclass(frozen=True)
class Ended:
    """How a command ended; `exit_code` is None where it was killed at its bound."""

    exit_code: int | None
    seconds: float
    last_lines: tuple[str, ...]


def run_bounded(
    command: Sequence[str],
    *,
    seconds: float,
    log: Path,
    cwd: Path,
    environment: Mapping[str, str],
    kept_lines: int = 12,
) -> Ended:
    """Run the command with its output in `log`, and return how it ended.

    At the bound the group gets SIGTERM, and SIGKILL ten seconds later: a process that hangs in the driver may not
    listen. What it left running goes too, whichever way it ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            exit_code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            exit_code = None
            _signal(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_SECONDS)
        finally:
            _signal(process.pid, signal.SIGKILL)
            process.wait()
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return Ended(exit_code, time.monotonic() - started, tuple(line for line in lines if line.strip())[-_KEPT_LINES:])


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
