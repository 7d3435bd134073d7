"""A fault in a text that a person wrote: where it is, what it is, what to do; and the line with a caret under it."""

import re
import unicodedata
from dataclasses import dataclass

LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as YAML counts lines
_SHOWN_COLUMNS = 100  # of a longer line, the part around the fault
_TAB = "→"


@dataclass(frozen=True)
class TextFault:
    """One fault; line and column count from 1. `remedy` is an instruction, `cause` a clause without a full stop."""

    line: int
    column: int
    cause: str
    remedy: str


def fault_text(fault: TextFault, *, text: str, source: str) -> str:
    """Return the place, the cause, and the line with a caret under the column."""
    return f"{source}, line {fault.line}, column {fault.column}: {fault.cause}.\n{shown_line(fault, text)}"


def shown_line(fault: TextFault, text: str) -> str:
    """Return the line of the fault with its number, and a caret below the column. A tab is shown as an arrow."""
    lines = LINE_BREAK.split(text)
    line = lines[fault.line - 1] if fault.line <= len(lines) else ""
    start = max(0, fault.column - 1 - _SHOWN_COLUMNS // 2) if len(line) > _SHOWN_COLUMNS else 0
    before, rest = line[start : fault.column - 1], line[fault.column - 1 : start + _SHOWN_COLUMNS]
    number = str(fault.line)
    shown = _visible(before + rest).rstrip()
    return f"  {number} | {shown}\n  {' ' * len(number)} | {' ' * _width(before)}^"


def _visible(text: str) -> str:
    return "".join(_TAB if char == "\t" else char if char.isprintable() else "�" for char in text)


def _width(text: str) -> int:
    """Return the columns that a terminal takes for a text; East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in _visible(text))
