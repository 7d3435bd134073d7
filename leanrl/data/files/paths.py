"""Problems in files of the user's: JSON lines, a JSON array, CSV, TSV or Parquet, told apart by the file's name."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from leanrl.data.files.folders import files_in
from leanrl.data.files.json_rows import read_json, read_json_lines
from leanrl.data.files.kinds import KINDS, kind_of
from leanrl.data.files.tables import read_csv, read_parquet
from leanrl.data.files.unpacking import opened
from leanrl.data.sources import Source, SourceRow
from leanrl.errors import DataError
from leanrl.hints import setting
from leanrl.storage.home import expanded

# Programs that unpack a file beside itself and keep it.
_UNPACK = {".zst": "zstd -d", ".lz4": "lz4 -d"}
_TABLES = (".xlsx", ".xls", ".ods")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def read_file_source(name: str, *, split: str = "train") -> Source:
    """Return the rows of the file, or of the files in the folder, that `data.path` names; they are read as asked for.

    Of a folder whose files name splits, those of `split` are read.

    Raises:
        DataError: if it is no file of this machine, of a kind that is not read, or broken; it names the place.
    """
    if _URL.match(name):
        raise DataError(
            f"data.path is {name}, and leanrl reads files of this machine, not addresses.",
            hint=f"`curl -LO {shlex.quote(name)}` and `-s data.path=FILE`; a dataset of the Hub is data.hub_id",
        )
    path = expanded(name)
    if not path.is_dir():
        _require_readable(path)
        return Source(str(path), _rows_of(path))
    files = files_in(path, split=split)
    return Source(str(path), (row for file in files.read for row in _rows_of(file)), lines=files.lines())


def _rows_of(path: Path) -> Iterator[SourceRow]:
    kind = kind_of(path)
    if kind == ".parquet":
        return read_parquet(path)
    if kind in (".csv", ".tsv"):
        return read_csv(path, is_tabbed=kind == ".tsv")
    return read_json(path) if kind == ".json" else read_json_lines(path)


def _require_readable(path: Path) -> None:
    """Refuse what is no file or of another kind, before anything else is read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise DataError(
            f"data.path is {path}, which cannot be read: {error.strerror}.",
            hint="give the file's place with `-s data.path=FILE.jsonl`; it is looked up from where leanrl is started",
        ) from error
    kind = kind_of(path)
    if kind not in KINDS:
        raise DataError(
            f"data.path is {path}; leanrl reads {', '.join(KINDS[:-1])} and {KINDS[-1]}, and these packed as .gz.",
            hint=_way_to_another_kind(path),
        )
    if kind != ".parquet":
        with opened(path):  # names another encoding or packing at once
            pass


def _way_to_another_kind(path: Path) -> str:
    """Return a command that makes a file of a kind that is read."""
    name = shlex.quote(str(path))
    if path.suffix.lower() == ".arrow":
        made = str(path.with_suffix(".parquet"))
        program = f"import datasets; datasets.Dataset.from_file({str(path)!r}).to_parquet({made!r})"
        return f"`python -c {shlex.quote(program)}`"
    if path.suffix.lower() == ".zip":
        return f"`unzip {name}`, and {setting('data.path', path.with_suffix('.jsonl'))} or what it held"
    packed = _UNPACK.get(path.suffix.lower())
    if packed is not None:
        return f"`{packed} {name}`, and {setting('data.path', path.with_suffix(''))}"
    if path.suffix.lower() in _TABLES:
        return f"open it and save the table as CSV, then {setting('data.path', path.with_suffix('.csv'))}"
    return f"of JSON lines: `cp {name} {shlex.quote(str(path.with_suffix('.jsonl')))}`"
