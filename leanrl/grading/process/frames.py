"""JSON values over a pipe, each behind its length."""

import json
import os
import select
import struct
import time
from typing import Any

_LENGTH = struct.Struct(">I")


def write_frame(descriptor: int, value: object) -> None:
    """Write one value.

    Raises:
        OSError: if nobody reads the pipe any more.
    """
    unsent = _frame(value)
    while unsent:
        unsent = unsent[os.write(descriptor, unsent) :]


def write_frame_before(descriptor: int, value: object, *, deadline: float) -> None:
    """Write one value to a pipe that never blocks, as long as `time.monotonic()` has not reached the deadline.

    A reader that is stuck takes what fits into the pipe (64 KiB) and no more.

    Raises:
        TimeoutError: at the deadline; a part of the value may be written.
        OSError: if nobody reads the pipe any more.
    """
    unsent = _frame(value)
    while unsent:
        seconds_left = deadline - time.monotonic()
        if seconds_left <= 0 or not select.select([], [descriptor], [], seconds_left)[1]:
            raise TimeoutError("nobody has read the pipe")
        unsent = unsent[os.write(descriptor, unsent) :]


def read_frame(descriptor: int) -> Any:
    """Return the next value; wait for it.

    Raises:
        EOFError: if the other side closed the pipe.
    """
    return read_frame_before(descriptor, deadline=None)


def read_frame_before(descriptor: int, *, deadline: float | None) -> Any:
    """Return the next value, as long as `time.monotonic()` has not reached the deadline.

    Raises:
        EOFError: if the other side closed the pipe.
        TimeoutError: at the deadline: the other side has written a part of it, and is stuck.
    """
    (length,) = _LENGTH.unpack(_read_exactly(descriptor, _LENGTH.size, deadline))
    return json.loads(_read_exactly(descriptor, length, deadline))


def _frame(value: object) -> memoryview:
    body = json.dumps(value).encode("ascii")  # escapes whatever is no ASCII, lone surrogates too
    return memoryview(_LENGTH.pack(len(body)) + body)


def _read_exactly(descriptor: int, num_bytes: int, deadline: float | None) -> bytes:
    chunks = bytearray()
    while len(chunks) < num_bytes:
        if deadline is not None:
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0 or not select.select([descriptor], [], [], seconds_left)[0]:
                raise TimeoutError("nobody has written the rest")
        chunk = os.read(descriptor, num_bytes - len(chunks))
        if not chunk:
            raise EOFError("the pipe was closed")
        chunks += chunk
    return bytes(chunks)
