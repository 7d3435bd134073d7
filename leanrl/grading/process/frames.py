"""JSON values over a pipe, a line each: every value is answered before the next one is sent."""

import json
import os
import select
import time
from collections.abc import Sequence
from typing import Any

_CHUNK_BYTES = 65_536


def write_frame(descriptor: int, value: object, *, deadline: float | None = None) -> None:
    """Write one value; with a deadline, to a pipe that never blocks.

    A reader that is stuck takes what fits into the pipe (64 KiB) and no more.

    Raises:
        TimeoutError: when `time.monotonic()` reaches the deadline; a part of the value may be written.
        OSError: if nobody reads the pipe any more.
    """
    # ASCII escapes whatever is none, lone surrogates too, and no line ends within a value.
    unsent = memoryview(json.dumps(value).encode("ascii") + b"\n")
    while unsent:
        _wait(deadline, writing=[descriptor])
        unsent = unsent[os.write(descriptor, unsent) :]


def read_frame(descriptor: int, *, deadline: float | None = None) -> Any:
    """Return the next value; wait for it, or until `time.monotonic()` has reached the deadline.

    Raises:
        EOFError: if the other side closed the pipe.
        TimeoutError: at the deadline: the other side has written a part of it at most, and is stuck.
    """
    line = bytearray()
    while not line.endswith(b"\n"):
        _wait(deadline, reading=[descriptor])
        chunk = os.read(descriptor, _CHUNK_BYTES)
        if not chunk:
            raise EOFError("the pipe was closed")
        line += chunk
    return json.loads(line)


def _wait(deadline: float | None, *, reading: Sequence[int] = (), writing: Sequence[int] = ()) -> None:
    if deadline is None:
        return
    seconds_left = deadline - time.monotonic()
    if seconds_left <= 0 or not any(select.select(reading, writing, [], seconds_left)):
        raise TimeoutError("nobody is at the other side of the pipe")
