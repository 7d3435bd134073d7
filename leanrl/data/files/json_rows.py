"""Rows of JSON: one object a line, or one array of objects, read piece by piece."""

import codecs
import json
import re
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from leanrl.data.files.encoding import bad_byte
from leanrl.data.files.kinds import LONGEST_ROW_BYTES
from leanrl.data.files.unpacking import opened
from leanrl.data.sources import SourceRow
from leanrl.errors import DataError

_PIECE_BYTES = 2**20
_SPACE = re.compile(r"[ \t\r\n]*+")
_ROW = 'one object such as {"problem": "2 + 2", "answer": "4"}'


def _with_own_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's fields; of a name that stands twice, JSON would keep the last value and not say so."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"an object has the name {next(name for name in names if names.count(name) > 1)!r} twice")
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_with_own_names)


def read_json_lines(path: Path) -> Iterator[SourceRow]:
    """Yield the rows of one JSON object a line; blank lines count but hold nothing.

    Raises:
        DataError: if a line is no UTF-8, no JSON, no object or too long for a problem; it names the line.
    """
    # Only \n ends a line of JSON: str.splitlines would also cut at U+2028, which a string may hold.
    with opened(path) as content:
        lines = iter(partial(content.readline, LONGEST_ROW_BYTES + 1), b"")
        for number, line in enumerate(lines, start=1):
            if len(line) > LONGEST_ROW_BYTES and not line.endswith(b"\n"):
                raise _too_long(f"{path}:{number}: the line", _way_to_json(path) if line.startswith(b"[") else None)
            if not line.isspace():
                yield _parse_line(line, f"{path}:{number}", path)


def read_json(path: Path) -> Iterator[SourceRow]:
    """Yield the rows of a file of JSON, which is an array where it begins as one, and lines else."""
    with opened(path) as content:
        pieces = iter(partial(content.read, _PIECE_BYTES), b"")
        first = next((begun for piece in pieces if (begun := piece.lstrip())), b"")
    yield from read_json_array(path) if first.startswith(b"[") else read_json_lines(path)


def read_json_array(path: Path) -> Iterator[SourceRow]:
    """Yield the objects of a JSON array, holding no more text than a piece of the file or its longest entry.

    Raises:
        DataError: naming the line of what is no JSON, or the entry that is no object or too long for a problem.
    """
    with opened(path) as content:
        pieces = _Pieces(content, path)
        pieces.take("[")
        number = 0
        if pieces.next_mark() != "]":
            while True:
                number += 1
                yield require_object(pieces.take_value(), f"{path}, entry {number}")
                if pieces.next_mark() != ",":
                    break
                pieces.take(",")
        pieces.take("]")
        pieces.require_end()


def require_object(fields: Any, where: str) -> SourceRow:
    """Return what was read as a row.

    Raises:
        DataError: if it is no JSON object.
    """
    if not isinstance(fields, dict):
        raise DataError(
            f"{where}: holds a JSON {type(fields).__name__}, not an object.", hint=f"each problem is {_ROW}"
        )
    return SourceRow(where, fields)


class _Pieces:
    """The text of a file of which a window is held; it grows where a value is longer."""

    def __init__(self, content: BinaryIO, path: Path) -> None:
        self._content, self._path = content, path
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._window, self._is_at_end = "", False
        self._position = 0  # in the window, of what is read next
        self._line, self._column = 1, 1  # of the window's start

    def next_mark(self) -> str:
        """Return the next character that is no white space; nothing at the end."""
        while True:
            space = _SPACE.match(self._window, self._position)
            self._position = space.end() if space else self._position
            if self._position < len(self._window) or self._is_at_end:
                return self._window[self._position : self._position + 1]
            self._grow()

    def take(self, mark: str) -> None:
        """Step over a mark that has to stand here."""
        if self.next_mark() != mark:
            raise self._fault(f"Expecting {mark!r}", self._position)
        self._position += 1

    def take_value(self) -> Any:
        """Return the next value; where the window ends within it, more is read."""
        self.next_mark()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._window, self._position)
            except json.JSONDecodeError as error:
                if self._is_at_end:
                    raise self._fault(error.msg, error.pos) from error
            except (ValueError, RecursionError) as error:  # a number of thousands of digits, nested without end
                raise self._fault(_said(error), self._position) from error
            else:
                if end < len(self._window) or self._is_at_end:  # 12 may go on as 123
                    self._position = end
                    return value
            if len(self._window) - self._position > LONGEST_ROW_BYTES:
                raise _too_long(f"{self._path}:{self._line}: the entry that begins here", None)
            self._grow()

    def require_end(self) -> None:
        """Refuse what stands behind the array."""
        if self.next_mark():
            raise self._fault("Extra data", self._position)

    def _fault(self, what: str, position: int) -> DataError:
        self._drop(position)
        return DataError(
            f"{self._path}:{self._line}: not valid JSON: {what} at column {self._column}.",
            hint="a list of objects, one for each problem",
        )

    def _grow(self) -> None:
        """Drop what was read, and read as much again as is left, so that a long value is scanned a few times only."""
        self._drop(self._position)
        piece = self._content.read(max(_PIECE_BYTES, len(self._window)))
        try:
            self._window += self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise bad_byte(self._path) from error
        self._is_at_end = not piece

    def _drop(self, num_characters: int) -> None:
        dropped, self._window = self._window[:num_characters], self._window[num_characters:]
        self._position -= num_characters
        lines = dropped.count("\n")
        self._line += lines
        self._column = len(dropped) - dropped.rfind("\n") if lines else self._column + len(dropped)


def _parse_line(line: bytes, where: str, path: Path) -> SourceRow:
    try:
        fields = _DECODER.decode(str(_without_end(line), "utf-8"))
    except UnicodeDecodeError as error:
        raise bad_byte(path) from error
    except (ValueError, RecursionError) as error:  # not JSON, a number of thousands of digits, nested without end
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else _said(error)
        raise DataError(
            f"{where}: not valid JSON: {found}.",
            hint=_way_to_lines(line, path) or f"each line is {_ROW}; mend or remove this line",
        ) from error
    return require_object(fields, where)


def _without_end(line: bytes) -> memoryview:
    """Return a line without what ends it; a view, as a line may be long."""
    end = len(line)
    while end and line[end - 1] in b"\r\n":
        end -= 1
    return memoryview(line)[:end]


def _too_long(what: str, way_out: str | None) -> DataError:
    return DataError(
        f"{what} has more than {LONGEST_ROW_BYTES / 2**20:g} MiB, the most that leanrl reads of one problem.",
        hint=way_out or f"each problem is {_ROW}; mend it, or leave it or its longest column out",
    )


def _way_to_lines(line: bytes, path: Path) -> str | None:
    """Return what to do with a file that begins like one array, or like an object over several lines."""
    name, begun = shlex.quote(str(path)), line.strip()
    if begun == b"[":
        return _way_to_json(path)
    if begun == b"{":
        made = shlex.quote(str(path.with_name(f"lines-{path.stem}.jsonl")))
        return f"an object goes over several lines, and each line is one: `jq -c . {name} > {made}`"
    return None


def _way_to_json(path: Path) -> str | None:
    if path.suffix != ".jsonl":
        return None
    return f"the file holds one JSON array: `cp {shlex.quote(str(path))} {shlex.quote(str(path.with_suffix('.json')))}`"


def _said(error: Exception) -> str:
    """Return what Python says of a value, without its advice to programs."""
    return str(error).partition("; use sys.")[0]
