"""Colours of errors, warnings and hints on a terminal; none in a pipe or where NO_COLOR is set (no-color.org)."""

import os
from typing import TextIO

_CODES = {"error": "1;31", "warning": "33", "hint": "36", "ok": "32"}


def painted(text: str, kind: str, *, stream: TextIO) -> str:
    """Return the text in the colour of an error, a warning, a hint or what is ok, where the stream shows colours."""
    return f"\x1b[{_CODES[kind]}m{text}\x1b[0m" if shows_colours(stream) else text


def shows_colours(stream: TextIO) -> bool:
    """Whether the stream is a terminal that takes colours and whose owner wants them."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
