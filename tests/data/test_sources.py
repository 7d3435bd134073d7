"""Sources: what a file, a dataset folder or Python gives, and what a broken one is told."""

import json
from pathlib import Path

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.files.paths import read_file_source
from leanrl.data.load import load_problems
from leanrl.data.sources import number_python_rows, read_hub_source
from leanrl.errors import DataError, MissingError


def write(folder: Path, content: bytes, name: str = "sums.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_lines_keep_their_numbers_over_blank_ones(tmp_path: Path) -> None:
    path = write(tmp_path, b'\xef\xbb\xbf{"problem": "1 + 1"}\r\n\n  \n{"problem": "1 + 2", "answer": 3}')
    rows = list(read_file_source(str(path)).rows)
    assert [row.where for row in rows] == [f"{path}:1", f"{path}:4"]
    assert rows[1].fields == {"problem": "1 + 2", "answer": 3}


def test_a_line_separator_inside_a_string_ends_no_line(tmp_path: Path) -> None:
    """JSON allows U+2028 unescaped; it is a line end for str.splitlines."""
    path = write(tmp_path, '{"problem": "a\u2028b"}\n'.encode())
    assert [row.fields for row in read_file_source(str(path)).rows] == [{"problem": "a\u2028b"}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"problem": "2 + 2", "answer": ', "sums.jsonl:2: not valid JSON: Expecting value at column"),
        (b"2 + 2 = 4", "sums.jsonl:2: not valid JSON: Extra data at column 3"),
        (b'["2 + 2", "4"]', "sums.jsonl:2: holds a JSON list, not an object"),
        (b'{"problem": "caf\xe9"}', "sums.jsonl:2: byte 17 of the line (0xe9) is not UTF-8"),
        (b'{"answer": ' + b"7" * 5000 + b"}", "sums.jsonl:2: not valid JSON: Exceeds the limit"),
        (b"[" * 200_000, "sums.jsonl:2: not valid JSON:"),
    ],
    ids=["cut", "text", "list", "latin1", "huge number", "deep"],
)
def test_a_broken_line_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    path = write(tmp_path, b'{"problem": "1 + 1", "answer": "2"}\n' + line + b"\n")
    with pytest.raises(DataError) as caught:
        list(read_file_source(str(path)).rows)
    assert message in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.jsonl, which cannot be read: No such file or directory") as caught:
        read_file_source(str(tmp_path / "none.jsonl"))
    assert "-s data.path=" in str(caught.value.hint)


def test_python_rows_are_numbered_and_checked() -> None:
    source = number_python_rows([{"problem": "1 + 1", "answer": 2}, {"problem": "1 + 2", "level": 1}])
    assert [row.where for row in source.rows] == ["row 1", "row 2"]
    with pytest.raises(DataError, match=r"Row 2 .* is a tuple, not a mapping"):
        list(number_python_rows([{"problem": "1 + 1"}, ("1 + 2", "3")]).rows)  # type: ignore[list-item]


@pytest.fixture
def dataset_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `datasets` reads as it reads the Hub, with a cache of its own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "sums"
    folder.mkdir()
    rows = [{"question": f"{n} + 1", "result": str(n + 1), "level": "easy"} for n in range(3)]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_a_dataset_gives_its_wanted_columns(dataset_folder: Path) -> None:
    source = read_hub_source(
        str(dataset_folder), revision=None, split="train", wanted_columns=["question", "result", "id"]
    )
    assert source.columns == ["question", "result", "level"]
    rows = list(source.rows)
    assert rows[2].fields == {"question": "2 + 1", "result": "3"}
    assert rows[2].where == f"{dataset_folder}[train], row 3"


def test_an_unknown_split_is_a_data_error(dataset_folder: Path) -> None:
    with pytest.raises(DataError, match=r"split validation, cannot be used: .*'train'") as caught:
        read_hub_source(str(dataset_folder), revision=None, split="validation", wanted_columns=["question"])
    assert "data.split" in str(caught.value.hint)


def test_an_unreachable_hub_names_both_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)  # else it tries for half a minute
    with pytest.raises(MissingError, match="nobody/no-such-sums, split train, could not be fetched") as caught:
        read_hub_source("nobody/no-such-sums", revision=None, split="train", wanted_columns=["problem"])
    assert "connect to the Hub" in str(caught.value.hint)
    assert "-s data.path=FILE.jsonl" in str(caught.value.hint)


def test_a_dataset_with_several_configurations_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "gsm"
    for config in ("main", "socratic"):
        (folder / config).mkdir(parents=True)
        (folder / config / "train.jsonl").write_text(json.dumps({"question": "1?", "answer": f"#### {len(config)}"}))
    listing = "".join(f"- config_name: {name}\n  data_files: {name}/train.jsonl\n" for name in ("main", "socratic"))
    (folder / "README.md").write_text(f"---\nconfigs:\n{listing}---\n")
    data = DataConfig(hub_id=str(folder), problem_column="question")
    with pytest.raises(DataError) as caught:
        load_problems(data, seed=0)
    assert caught.value.hint == "-s data.hub_config=main or -s data.hub_config=socratic"
    (row,) = load_problems(data.model_copy(update={"hub_config": "socratic"}), seed=0).train
    assert row.gold == "8"
