"""Where rows come from: a .jsonl file, a dataset on the Hub, or Python."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import DataError, MissingError


@dataclass(frozen=True)
class SourceRow:
    """The fields of one row as they were found; `where` names the place to a person."""

    where: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """The rows of one source and the columns that it has."""

    name: str
    columns: list[str]
    rows: list[SourceRow]


def read_jsonl_source(path: Path) -> Source:
    """Read a file of one JSON object a line; blank lines count but hold nothing.

    Raises:
        DataError: if the file cannot be read or a line is no UTF-8, no JSON or no object; it names the line.
    """
    if path.suffix != ".jsonl":
        raise DataError(
            f"data.path is {path}; leanrl reads .jsonl files, one JSON object a line.",
            hint="convert it: `python -c \"import datasets; datasets.load_dataset('csv', data_files='my.csv', "
            "split='train').to_json('my.jsonl')\"` (or 'json', 'parquet')",
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"data.path is {path}, which cannot be read: {error.strerror}.",
            hint="give the file's place with `-s data.path=FILE.jsonl`; it is looked up from where leanrl is started",
        ) from error
    # Only \n ends a line of JSON: str.splitlines would also cut at U+2028, which a string may hold.
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    rows = [_parse_line(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]
    return Source(str(path), _columns_of(rows), rows)


def read_hub_source(hub_id: str, *, revision: str | None, split: str, wanted_columns: Sequence[str]) -> Source:
    """Fetch one split of a dataset and keep its wanted columns; a local folder serves as well as a Hub id.

    Raises:
        MissingError: if the Hub cannot be reached and the dataset is not in the cache.
        DataError: if there is no such dataset or split, or its files cannot be parsed.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError, DatasetsError

    name = f"{hub_id}, split {split}"
    ways_out = (
        "check data.hub_id, data.hub_revision and data.split (a gated dataset needs `hf auth login`), "
        "or save the rows as a file and use `-s data.path=FILE.jsonl`"
    )
    try:
        dataset = load_dataset(hub_id, split=split, revision=revision)
    except (DatasetNotFoundError, DatasetsError, ValueError) as error:
        raise DataError(f"The dataset {name}, cannot be used: {error}", hint=ways_out) from error
    except OSError as error:
        raise MissingError(
            f"The dataset {name}, could not be fetched: {error}",
            hint="connect to the Hub and try again (what was fetched once is cached), "
            "or bring the rows as a file: `-s data.path=FILE.jsonl`",
        ) from error
    columns = list(dataset.column_names)
    kept = dataset.select_columns([column for column in columns if column in wanted_columns])
    rows = [SourceRow(f"{hub_id}[{split}], row {number}", fields) for number, fields in enumerate(kept, start=1)]
    return Source(name, columns, rows)


def number_python_rows(rows: Sequence[Mapping[str, Any]]) -> Source:
    """Wrap rows that were given in Python.

    Raises:
        DataError: if one of them is no mapping.
    """
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise DataError(
                f"Row {number} of the rows given in Python is a {type(row).__name__}, not a mapping.",
                hint='give rows such as {"problem": "2 + 2", "answer": "4"}',
            )
    numbered = [SourceRow(f"row {number}", row) for number, row in enumerate(rows, start=1)]
    return Source("rows given in Python", _columns_of(numbered), numbered)


def _parse_line(line: bytes, where: str) -> SourceRow:
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}: byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not UTF-8.",
            hint="save the file as UTF-8, for instance `iconv -f latin1 -t utf-8 OLD > NEW`",
        ) from error
    except (ValueError, RecursionError) as error:  # not JSON, a number of thousands of digits, nested without end
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(
            f"{where}: not valid JSON: {found}.",
            hint='each line is one object such as {"problem": "2 + 2", "answer": "4"}; mend or remove this line',
        ) from error
    if not isinstance(fields, dict):
        raise DataError(
            f"{where}: holds a JSON {type(fields).__name__}, not an object.",
            hint='each line is one object such as {"problem": "2 + 2", "answer": "4"}',
        )
    return SourceRow(where, fields)


def _columns_of(rows: Sequence[SourceRow]) -> list[str]:
    return list(dict.fromkeys(str(column) for row in rows for column in row.fields))
