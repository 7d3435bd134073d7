"""Files of every kind that people bring, and the sentence for each that is not read."""

import bz2
import gzip
import io
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from leanrl.data.files.paths import read_file_source
from leanrl.errors import DataError

ROWS = [{"problem": "1 + 1", "answer": "2"}, {"problem": 'say "four", then', "answer": "4"}]


def _lines() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in ROWS).encode()


FILES = {
    "a.jsonl": _lines(),
    "a.ndjson": _lines(),
    "lines.json": _lines(),
    "array.json": json.dumps(ROWS, indent=1).encode(),
    "a.csv": b'problem,answer\n1 + 1,2\n"say ""four"", then",4\n',
    "marked.csv": b'\xef\xbb\xbfproblem,answer\r\n1 + 1,2\r\n"say ""four"", then",4\r\n',
    "semicolons.csv": b'problem;answer\n1 + 1;2\n"say ""four"", then";4\n',
    "tabs.csv": b'problem\tanswer\n1 + 1\t2\n"say ""four"", then"\t4\n',
    "spaces.csv": b'problem, answer\n1 + 1, 2\n"say ""four"", then", 4\n',
    "a.tsv": b'problem\tanswer\n1 + 1\t2\n"say ""four"", then"\t4\n',
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    source = read_file_source(str(path))
    rows = list(source.rows)
    assert [row.fields for row in rows] == ROWS
    assert all(row.where.startswith(str(path)) for row in rows)


def test_parquet_gives_the_same_rows_with_nested_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = [{"prompt": [{"role": "user", "content": "1 + 1"}], "reward_model": {"ground_truth": "2"}}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    (row,) = read_file_source(str(path)).rows
    assert row.fields == rows[0]


def test_a_field_longer_than_pythons_own_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"problem,answer\n{'x' * 200_000},2\n")
    (row,) = read_file_source(str(path)).rows
    assert len(row.fields["problem"]) == 200_000


@pytest.mark.parametrize(
    ("name", "content", "said", "hint"),
    [
        ("my file.jsonl", '{"a": 1}'.encode("utf-16"), "is UTF-16", "iconv -f utf-16 -t utf-8 '"),
        ("a.csv", "problem,answer\n".encode("utf-16-le"), "is UTF-16LE", "iconv -f utf-16le"),
        ("a.jsonl", '{"a": 1}'.encode("utf-16-be"), "is UTF-16BE", "iconv -f utf-16be"),
        ("a.jsonl", '{"a": 1}'.encode("utf-32"), "is UTF-32", "iconv -f utf-32"),
        ("a.csv", b"problem,answer\n1,2\ncaf\xe9,3\n", "a.csv:3: byte 4 of the line (0xe9) is not UTF-8", "latin1"),
        ("a.csv", b"problem,answer\n1,2\n1,000,2\n", "a.csv:3: the row has more fields", '"1,000"'),
        ("a.csv", b'problem,answer\n"say "four"",2\n', "a.csv:2: not valid CSV", 'say ""four""'),
        ("a.json", b'[{"a": 1},\n{"a": }]', "a.json:2: not valid JSON: Expecting value at column 7", "a list"),
        ("a.json", b'[{"a": 1}, [2]]', "a.json, entry 2: holds a JSON list, not an object", "each problem is one"),
        ("a.parquet", b"PAR0 no", "not a Parquet file: it begins with b'PAR0', and Parquet with b'PAR1'", "again"),
        ("a.parquet", b"PAR1" + b"no" * 9, "a.parquet: not a whole Parquet file", "again"),
        ("a.parquet", b"", "not a Parquet file: it begins with b''", "again"),
        ("a.csv", b"problem,answer,problem\n1,2,3\n", "a.csv:1: two columns are named 'problem'", "of its own"),
        (
            "a.jsonl",
            b'{"problem": 1, "answer": 2, "problem": 3}\n',
            "a.jsonl:1: not valid JSON: an object has the name 'problem' twice",
            "this line",
        ),
        (
            "a.json",
            b'[{"problem": 1},\n {"a": {"b": 1, "b": 2}}]',
            "a.json:2: not valid JSON: an object has the name 'b'",
            "list of objects",
        ),
        ("a.jsonl", b'{"answer": ' + b"9" * 5000 + b"}\n", "value has 5000 digits.", "this line"),
        ("my file.txt", b"", "leanrl reads .jsonl, .ndjson, .json, .csv, .tsv and .parquet", "my file.jsonl'"),
        ("my file.jsonl.zip", b"", "leanrl reads", "unzip '"),
        ("a.jsonl", b"PK\x03\x04...", "is a ZIP archive", "unzip -d "),
        ("a.jsonl.zst", b"", "leanrl reads", "zstd -d "),
        ("a.xlsx", b"PK", "leanrl reads", "as CSV"),
        ("a.jsonl", b'[\n{"a": 1}\n]', "a.jsonl:1: not valid JSON: Expecting value at column 2", "a.json`"),
        ("a.jsonl", b'{\n"a": 1\n}', "a.jsonl:1: not valid JSON", "jq -c . "),
        ("a.jsonl", b'{"a": 1}\n{"a"\n', "a.jsonl:2: not valid JSON: Expecting ':' delimiter at column 5", "this line"),
        ("a.jsonl.gz", gzip.compress(_lines())[:-12], "what is packed is broken", "again"),
        ("a.csv.gz", gzip.compress(b"problem,answer\n" * 9999)[:-40], "what is packed is broken", "again"),
        ("a.jsonl.gz", gzip.compress(b'{"a": 1}\n{"a": }\n'), "a.jsonl.gz:2: not valid JSON", "one object"),
        ("a.csv.gz", gzip.compress(b"problem\ncaf\xe9\n"), "a.csv.gz:2: byte 4 of the line (0xe9)", "latin1"),
        ("a.json", b'[{"a": 1},\n{"a": 2}', "a.json:2: not valid JSON: Expecting ']' at column 9", "a list"),
        ("a.json", b'[{"a": 1}] x', "a.json:1: not valid JSON: Extra data at column 12", "a list"),
        ("a.json", b'[{"a": "caf\xe9"}]', "a.json:1: byte 12 of the line (0xe9) is not UTF-8", "latin1"),
        ("a.arrow", b"", "leanrl reads", "to_parquet"),
    ],
)
def test_what_is_not_read_is_named_with_a_command_for_that_file(
    tmp_path: Path, name: str, content: bytes, said: str, hint: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        list(read_file_source(str(tmp_path / name)).rows)
    assert said in caught.value.message
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize("url", ["https://example.com/x.jsonl", "hf://datasets/a/b/train.parquet", "s3://b/x.jsonl"])
def test_an_address_is_named_as_it_was_typed(url: str) -> None:
    with pytest.raises(DataError) as caught:
        read_file_source(url)
    assert caught.value.message == f"data.path is {url}, and leanrl reads files of this machine, not addresses."


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
@pytest.mark.parametrize("name", [*FILES, "a.parquet"])
def test_what_is_packed_gives_the_same_rows(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    ending = {gzip.compress: ".gz", bz2.compress: ".bz2", lzma.compress: ".xz"}[pack]
    path = tmp_path / f"{name}{ending}"
    path.write_bytes(pack(FILES[name] if name in FILES else _parquet()))
    assert [row.fields for row in read_file_source(str(path)).rows] == ROWS


def test_what_a_file_is_packed_with_is_read_from_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(gzip.compress(_lines()))
    assert [row.fields for row in read_file_source(str(path)).rows] == ROWS


def _parquet() -> bytes:
    content = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), content)
    return content.getvalue()


@pytest.mark.parametrize("piece_bytes", [1, 2, 7, 64])
def test_an_array_is_read_in_pieces_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int
) -> None:
    """Characters of several bytes, escapes and nested values may lie across the border of two pieces."""
    rows = [{"problem": 'é€😀 \\ " ]', "answer": n, "more": {"a": [n, [n]]}} for n in (1, 22, -3.5)]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    monkeypatch.setattr("leanrl.data.files.json_rows._PIECE_BYTES", piece_bytes)
    assert [row.fields for row in read_file_source(str(path)).rows] == rows


def test_an_empty_array_holds_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(" [ ] ")
    assert list(read_file_source(str(tmp_path / "a.json")).rows) == []


@pytest.mark.parametrize(
    ("name", "content", "message", "hint"),
    [
        ("a.jsonl", b'{"problem": "1 + 1"}\n{"problem": "%s"}\n', "a.jsonl:2: the line has more", "each problem"),
        ("a.jsonl", b'[{"problem": "%s"}]', "a.jsonl:1: the line has more", "holds one JSON array: `cp "),
        ("a.json", b'[{"problem": "1 + 1"},\n{"problem": "%s"}]', "a.json:2: the entry that begins", "each problem"),
        ("a.csv", b'problem,answer\n"%s,1\n', "a.csv:2: not valid CSV: field larger than", "a quote inside a text"),
    ],
)  # fmt: skip
def test_a_row_longer_than_any_problem_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes, message: str, hint: str
) -> None:
    """The limit is 1 KiB here; of a file that is one line by mistake no more than that is held."""
    for module in ("json_rows", "tables"):
        monkeypatch.setattr(f"leanrl.data.files.{module}.LONGEST_ROW_BYTES", 1024)
    monkeypatch.setattr("leanrl.data.files.json_rows._PIECE_BYTES", 64)
    path = tmp_path / name
    path.write_bytes(content.replace(b"%s", b"x" * 5000))
    with pytest.raises(DataError) as caught:
        list(read_file_source(str(path)).rows)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    path.write_bytes(content.replace(b"%s", b"x" * 900).replace(b",1\n", b'",1\n'))
    if not content.startswith(b"["):
        assert list(read_file_source(str(path)).rows)
