"""Rows of tables: CSV and Parquet, read in batches."""

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from leanrl.data.files.encoding import bad_byte
from leanrl.data.files.kinds import LONGEST_ROW_BYTES
from leanrl.data.files.unpacking import PACKED, opened
from leanrl.data.sources import SourceRow
from leanrl.errors import DataError

_BATCH_ROWS = 256
_PARQUET_MARK = b"PAR1"


def read_csv(path: Path, *, is_tabbed: bool) -> Iterator[SourceRow]:
    """Yield the rows under the names of the first line; every value is text.

    Semicolons or tabs separate where the first line has them and no comma, as spreadsheets write it in much of Europe.
    A space behind a separator is none of the text.

    Raises:
        DataError: naming the line of a row with more fields than names, or of what is no CSV or no UTF-8.
    """
    with opened(path) as content:
        lines = io.TextIOWrapper(content, encoding="utf-8", newline="")
        try:
            first = lines.readline()
            other = next((mark for mark in ";\t" if mark in first), ",")
            separator = "\t" if is_tabbed else "," if "," in first else other
            yield from _csv_rows(chain([first], lines), path, separator)
        except UnicodeDecodeError as error:
            raise bad_byte(path) from error


def read_parquet(path: Path) -> Iterator[SourceRow]:
    """Yield the rows of a Parquet file, batch by batch.

    Raises:
        DataError: if it is none, cut off or damaged.
    """
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        for batch in pyarrow.parquet.ParquetFile(_parquet_content(path)).iter_batches(batch_size=_BATCH_ROWS):
            for fields in batch.to_pylist():
                number += 1
                yield SourceRow(f"{path}, row {number}", fields)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(_fault_of_parquet(path, error), hint="write or fetch it again") from error


def _fault_of_parquet(path: Path, error: Exception) -> str:
    with opened(path) as content:
        start = content.read(len(_PARQUET_MARK))
    if start != _PARQUET_MARK:
        return f"{path}: not a Parquet file: it begins with {start!r}, and Parquet with {_PARQUET_MARK!r}."
    if "magic bytes not found in footer" in str(error):
        return f"{path}: not a whole Parquet file: it begins as one, and its end is missing."
    return f"{path}: not a Parquet file that can be read: {str(error).strip().rstrip('.')}."


def _csv_rows(lines: Iterable[str], path: Path, separator: str) -> Iterator[SourceRow]:
    # Python's own limit is 131,072 characters a field, which a worked solution may pass. A quote that is never closed
    # takes the rest of the file for one field.
    before = csv.field_size_limit(LONGEST_ROW_BYTES)
    reader = csv.DictReader(lines, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        names = [name for name in reader.fieldnames or () if name]  # spreadsheets leave columns without a name
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DataError(f"{path}:1: two columns are named {twice!r}.", hint="give each column a name of its own")
        for fields in reader:
            if None in fields:
                raise DataError(
                    f"{path}:{reader.line_num}: the row has more fields than the first line has names.",
                    hint='put quotes around a text that holds the separator: "1,000"',
                )
            yield SourceRow(f"{path}:{reader.line_num}", fields)
    except csv.Error as error:
        hint = 'a quote inside a text is written twice: "say ""four"""'
        raise DataError(f"{path}:{reader.reader.line_num}: not valid CSV: {error}.", hint=hint) from error
    finally:
        csv.field_size_limit(before)


def _parquet_content(path: Path) -> Path | io.BytesIO:
    """Return what Parquet is read from, which needs its end first: a packed file is unpacked into memory."""
    if path.suffix.lower() not in PACKED:
        return path
    with opened(path) as content:
        return io.BytesIO(content.read())
