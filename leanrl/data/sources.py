"""Where rows come from: lines of JSON, a dataset on the Hub, or Python."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.errors import DataError, MissingError
from leanrl.hints import setting

_CONFIGS_SHOWN = 4


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


def read_jsonl(content: bytes, path: Path) -> list[SourceRow]:
    """Return the rows of one JSON object a line; blank lines count but hold nothing.

    Raises:
        DataError: if a line is no UTF-8, no JSON or no object; it names the line.
    """
    # Only \n ends a line of JSON: str.splitlines would also cut at U+2028, which a string may hold.
    lines = enumerate(content.split(b"\n"), start=1)
    return [_parse_line(line, f"{path}:{number}", path) for number, line in lines if line.strip()]


def read_hub_source(
    hub_id: str, *, config: str | None = None, revision: str | None, split: str, wanted_columns: Sequence[str] | None
) -> Source:
    """Fetch one split of a dataset and keep its wanted columns; a local folder serves as well as a Hub id.

    `config` names one of several configurations that a dataset may have. A wanted name with a dot keeps the column
    that it leads into; None keeps every column.

    Raises:
        MissingError: if the Hub cannot be reached and the dataset is not in the cache.
        DataError: if there is no such dataset or split, or its files cannot be parsed.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError, DatasetsError

    name = f"{hub_id}{'' if config is None else f' ({config})'}, split {split}"
    ways_out = (
        "check data.hub_id, data.hub_config, data.hub_revision and data.split (a gated dataset needs `hf auth login`), "
        "or save the rows as a file and use `-s data.path=FILE.jsonl`"
    )
    try:
        dataset = load_dataset(hub_id, config, split=split, revision=revision)
    except (DatasetNotFoundError, DatasetsError, ValueError) as error:
        raise DataError(f"The dataset {name}, cannot be used: {error}", hint=_config_hint(error) or ways_out) from error
    except OSError as error:
        raise MissingError(
            f"The dataset {name}, could not be fetched: {error}",
            hint="connect to the Hub and try again (what was fetched once is cached), "
            "or bring the rows as a file: `-s data.path=FILE.jsonl`",
        ) from error
    columns = list(dataset.column_names)
    read = {name if name in columns else name.partition(".")[0] for name in wanted_columns or columns}
    kept = dataset.select_columns([column for column in columns if column in read])
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
    return Source("rows given in Python", columns_of(numbered), numbered)


def require_object(fields: Any, where: str) -> SourceRow:
    """Return what was read as a row.

    Raises:
        DataError: if it is no JSON object.
    """
    if not isinstance(fields, dict):
        raise DataError(
            f"{where}: holds a JSON {type(fields).__name__}, not an object.",
            hint='each problem is one object such as {"problem": "2 + 2", "answer": "4"}',
        )
    return SourceRow(where, fields)


def utf8_text(content: bytes, where: str) -> str:
    """Return the text of a file or of a line.

    Raises:
        DataError: naming the line and the byte that is no UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = error.start - content.rfind(b"\n", 0, error.start)
        raise DataError(
            f"{where}:{line}: byte {byte} of the line (0x{content[error.start]:02x}) is not UTF-8.",
            hint=latin1_hint(where),
        ) from error


def latin1_hint(file: str) -> str:
    """Return the command that most files which are no UTF-8 need."""
    return f"save the file as UTF-8, for instance `iconv -f latin1 -t utf-8 {shlex.quote(file)} > NEW`"


def columns_of(rows: Sequence[SourceRow]) -> list[str]:
    """Return the columns that any row has, in the order in which they are met."""
    return list(dict.fromkeys(str(column) for row in rows for column in row.fields))


def _config_hint(error: Exception) -> str | None:
    """Return the flag that `datasets` asks for where a dataset has several configurations."""
    found = re.search(r"available configs: \[([^\]]*)\]", str(error))
    names = re.findall(r"'([^']+)'", found[1]) if found else []
    return " or ".join(setting("data.hub_config", name) for name in names[:_CONFIGS_SHOWN]) or None


def _parse_line(line: bytes, where: str, path: Path) -> SourceRow:
    try:
        fields = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}: byte {error.start + 1} of the line (0x{line[error.start]:02x}) is not UTF-8.",
            hint=latin1_hint(str(path)),
        ) from error
    except (ValueError, RecursionError) as error:  # not JSON, a number of thousands of digits, nested without end
        found = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(
            f"{where}: not valid JSON: {found}.",
            hint='each line is one object such as {"problem": "2 + 2", "answer": "4"}; mend or remove this line',
        ) from error
    return require_object(fields, where)
