"""Problems in a file of the user's: JSON lines, a JSON array, CSV, TSV or Parquet, told apart by the file's name."""

import re
import shlex
from pathlib import Path

from leanrl.data.sources import Source, SourceRow, columns_of, read_jsonl
from leanrl.data.tables import read_csv, read_json_array, read_parquet
from leanrl.errors import DataError
from leanrl.hints import setting

_KINDS = ".jsonl, .ndjson, .json, .csv, .tsv and .parquet"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# The longer mark first: UTF-32 begins with the two bytes of UTF-16.
_OTHER_MARKS = {b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def read_file_source(name: str) -> Source:
    """Return the rows of the file that `data.path` names.

    Raises:
        DataError: if it is no file of this machine, of a kind that is not read, or broken; it names the place.
    """
    if _URL.match(name):
        raise DataError(
            f"data.path is {name}, and leanrl reads files of this machine, not addresses.",
            hint=f"`curl -LO {shlex.quote(name)}` and `-s data.path=FILE`; a dataset of the Hub is data.hub_id",
        )
    path = Path(name).expanduser()
    content = _content(path)
    kind = path.suffix.lower()
    if kind == ".parquet":
        return _source(path, read_parquet(path))
    if kind not in (".jsonl", ".ndjson", ".json", ".csv", ".tsv"):
        raise DataError(f"data.path is {path}; leanrl reads {_KINDS}.", hint=_way_to_another_kind(path))
    _require_utf8_mark(path, content)
    text = content.removeprefix(b"\xef\xbb\xbf")
    if kind in (".csv", ".tsv"):
        return _source(path, read_csv(text, path, is_tabbed=kind == ".tsv"))
    if kind == ".json" and text.lstrip().startswith(b"["):
        return _source(path, read_json_array(text, path))
    return _source(path, read_jsonl(text, path))


def _source(path: Path, rows: list[SourceRow]) -> Source:
    return Source(str(path), columns_of(rows), rows)


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise DataError(
            f"data.path is {path}, which is a folder, not a file.",
            hint=f"`-s data.path=FILE` in it, or `{setting('data.hub_id', path)}` for the folder of a dataset",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(
            f"data.path is {path}, which cannot be read: {error.strerror}.",
            hint="give the file's place with `-s data.path=FILE.jsonl`; it is looked up from where leanrl is started",
        ) from error


def _require_utf8_mark(path: Path, content: bytes) -> None:
    """Refuse UTF-16 and UTF-32, with a mark or without one: then every second byte of plain text is 0."""
    encoding = next((name for mark, name in _OTHER_MARKS.items() if content.startswith(mark)), None)
    if encoding is None and content[1:2] == b"\0":
        encoding = "utf-16le"
    if encoding is None and content[:1] == b"\0":
        encoding = "utf-16be"
    if encoding is not None:
        raise DataError(
            f"{path} is {encoding.upper()}, and leanrl reads UTF-8.",
            hint=f"`iconv -f {encoding} -t utf-8 {shlex.quote(str(path))} > {shlex.quote(_beside(path))}`",
        )


def _beside(path: Path) -> str:
    return str(path.with_name(f"{path.stem}-utf8{path.suffix}"))


def _way_to_another_kind(path: Path) -> str:
    """Return a command that makes a file of a kind that is read."""
    kind, name = path.suffix.lower(), shlex.quote(str(path))
    if kind == ".gz":
        return f"`gunzip -k {name}`, and `{setting('data.path', path.with_suffix(''))}`"
    if kind == ".arrow":
        made = str(path.with_suffix(".parquet"))
        program = f"import datasets; datasets.Dataset.from_file({str(path)!r}).to_parquet({made!r})"
        return f"`python -c {shlex.quote(program)}`"
    return f"of JSON lines: `cp {name} {shlex.quote(str(path.with_suffix('.jsonl')))}`"
