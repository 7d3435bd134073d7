"""The bytes of a file as UTF-8: unpacked where it is packed, its mark skipped, other encodings refused."""

import bz2
import errno
import gzip
import io
import lzma
import shlex
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from leanrl.errors import DataError

PACKED = (".gz", ".bz2", ".xz")
_UTF8_MARK = b"\xef\xbb\xbf"
# The longer mark first: UTF-32 begins with the two bytes of UTF-16.
_OTHER_MARKS = {b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# Reading raises none of these: the body of the `with` has written somewhere.
_OF_WRITING = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_ROWS = {
    b"PK\x03\x04": ("a ZIP archive", "unzip -d {folder} {file}"),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "zstd -d {file} -o {folder}"),
}


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading bytes; one that is packed with gzip, bzip2 or xz is unpacked as it is read.

    What the file is packed with is read from its first bytes, whatever its name says.

    Raises:
        DataError: if it cannot be read, or what is packed is broken; also from the body of the `with`.
    """
    try:
        with path.open("rb") as file, unpacked(file, str(path)) as content:
            yield content
    except OSError as error:
        if error.errno in _OF_WRITING:
            raise
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}.",
            hint="give the file's place; it is looked up from where leanrl is started",
        ) from error


@contextmanager
def unpacked(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """Yield the bytes behind a file's packing, without a UTF-8 mark.

    Raises:
        DataError: if the packing is broken or of another kind, or the content is UTF-16 or UTF-32.
    """
    raw = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, file))
    _refuse_other_packing(raw, name)
    content = _unpacking(raw)
    try:
        _skip_mark(content, name)
        yield cast(BinaryIO, content)
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise DataError(f"{name}: what is packed is broken: {error}.", hint="fetch or pack the file again") from error


def _unpacking(raw: io.BufferedReader) -> io.BufferedReader:
    start = raw.peek(6)
    if start.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    if start.startswith(b"BZh"):
        return io.BufferedReader(bz2.BZ2File(raw))
    if start.startswith(b"\xfd7zXZ\x00"):
        return io.BufferedReader(lzma.LZMAFile(raw))
    return raw


def _refuse_other_packing(raw: io.BufferedReader, name: str) -> None:
    start = raw.peek(4)
    for mark, (what, command) in _NO_ROWS.items():
        if start.startswith(mark):
            folder = shlex.quote(name.rpartition(".")[0] or f"{name}-unpacked")
            raise DataError(
                f"{name} is {what}, which leanrl does not unpack.",
                hint=f"`{command.format(file=shlex.quote(name), folder=folder)}`",
            )


def _skip_mark(content: io.BufferedReader, name: str) -> None:
    """Skip a UTF-8 mark; refuse UTF-16 and UTF-32, with a mark or without one: then every second byte is 0."""
    start = content.peek(4)[:4]
    if start.startswith(_UTF8_MARK):
        content.read(len(_UTF8_MARK))
        return
    encoding = next((name for mark, name in _OTHER_MARKS.items() if start.startswith(mark)), None)
    if encoding is None and start[1:2] == b"\0":
        encoding = "utf-16le"
    if encoding is None and start[:1] == b"\0":
        encoding = "utf-16be"
    if encoding is not None:
        path = Path(name)
        beside = path.with_name(f"{path.stem}-utf8{path.suffix}")
        raise DataError(
            f"{name} is {encoding.upper()}, and leanrl reads UTF-8.",
            hint=f"`iconv -f {encoding} -t utf-8 {shlex.quote(name)} > {shlex.quote(str(beside))}`",
        )
