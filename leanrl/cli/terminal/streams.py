"""The three streams of a process: closed by a shell, unable to show a character, or on a disk that is full."""

import contextlib
import errno
import io
import os
import sys

_STREAMS = ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w"))
_STDOUT = 1
# What says that a disk takes no more: full, a quota, a limit of the file's size.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def open_closed_streams() -> None:
    """Give every closed stream the null device: the next file to be opened would get its number, and our output."""
    for number, name, mode in _STREAMS:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (never closed)


def take_every_character() -> None:
    """Let a character that the locale lacks be printed as its number; files and pipes get UTF-8, as leanrl reads."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_for_reading = stream.isatty() or "PYTHONIOENCODING" in os.environ
            stream.reconfigure(encoding=None if is_for_reading else "utf-8", errors="backslashreplace")


def is_full(error: OSError) -> bool:
    """Return whether an error says that a disk takes no more."""
    return error.errno in _FULL


def drop_output() -> None:
    """Throw away what standard output still holds: at the end Python would try to write it once more."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
