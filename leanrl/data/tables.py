"""Rows of files that are no JSON lines: an array, CSV, Parquet."""

import csv
import io
import json
from pathlib import Path

from leanrl.data.sources import SourceRow, require_object, utf8_text
from leanrl.errors import DataError

# Python's own limit is 131,072 characters a field, which a worked solution may pass.
_LONGEST_FIELD = 2**31 - 1


def read_json_array(text: bytes, path: Path) -> list[SourceRow]:
    """Return the objects of a JSON array.

    Raises:
        DataError: naming the line of what is no JSON, or the entry that is no object.
    """
    decoded = utf8_text(text, str(path))
    try:
        entries = json.loads(decoded)
    except (ValueError, RecursionError) as error:
        where = f"{path}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else str(path)
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(f"{where}: not valid JSON: {found}.", hint="a list of objects, one for each problem") from error
    return [require_object(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, start=1)]


def read_csv(text: bytes, path: Path, *, is_tabbed: bool) -> list[SourceRow]:
    """Return the rows under the names of the first line; every value is text.

    Semicolons separate where the first line has them and no comma, as spreadsheets write it in much of Europe.

    Raises:
        DataError: naming the line of a row with more fields than names, or of what is no CSV.
    """
    decoded = utf8_text(text, str(path))
    first = decoded.partition("\n")[0]
    separator = "\t" if is_tabbed else ";" if ";" in first and "," not in first else ","
    before = csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.DictReader(io.StringIO(decoded, newline=""), delimiter=separator, strict=True)
    rows = []
    try:
        for fields in reader:
            if None in fields:
                raise DataError(
                    f"{path}:{reader.line_num}: the row has more fields than the first line has names.",
                    hint='put quotes around a text that holds the separator: "1,000"',
                )
            rows.append(SourceRow(f"{path}:{reader.line_num}", fields))
    except csv.Error as error:
        hint = 'a quote inside a text is written twice: "say ""four"""'
        raise DataError(f"{path}:{reader.reader.line_num}: not valid CSV: {error}.", hint=hint) from error
    finally:
        csv.field_size_limit(before)
    return rows


def read_parquet(path: Path) -> list[SourceRow]:
    """Return the rows of a Parquet file.

    Raises:
        DataError: if it is none.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(path).to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{path}: not a Parquet file: {error}.", hint="write or fetch it again") from error
    return [SourceRow(f"{path}, row {number}", fields) for number, fields in enumerate(rows, start=1)]
