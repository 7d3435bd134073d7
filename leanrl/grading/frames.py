"""JSON values over a pipe, each behind its length."""

import json
import os
import struct
from typing import Any

_LENGTH = struct.Struct(">I")


def write_frame(descriptor: int, value: object) -> None:
    """Write one value.

    Raises:
        OSError: if nobody reads the pipe any more.
    """
    body = json.dumps(value).encode("ascii")  # escapes whatever is no ASCII, lone surrogates too
    unsent = memoryview(_LENGTH.pack(len(body)) + body)
    while unsent:
        unsent = unsent[os.write(descriptor, unsent) :]


def read_frame(descriptor: int) -> Any:
    """Return the next value.

    Raises:
        EOFError: if the other side closed the pipe.
    """
    (length,) = _LENGTH.unpack(_read_exactly(descriptor, _LENGTH.size))
    return json.loads(_read_exactly(descriptor, length))


def _read_exactly(descriptor: int, num_bytes: int) -> bytes:
    chunks = bytearray()
    while len(chunks) < num_bytes:
        chunk = os.read(descriptor, num_bytes - len(chunks))
        if not chunk:
            raise EOFError("the pipe was closed")
        chunks += chunk
    return bytes(chunks)
