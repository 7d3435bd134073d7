"""Files of a run: made once, written whole, read after a kill."""

import os
from datetime import datetime

import pytest

from leanrl.errors import ConfigError, LeanRLError
from leanrl.storage.run_folder import (
    RunFolder,
    append_jsonl,
    create_run_folder,
    new_run_path,
    open_run_folder,
    read_json,
    read_jsonl,
    write_json,
    write_jsonl,
)


def test_a_run_folder_is_made_once_with_its_parents(tmp_path):
    path = tmp_path / "runs" / "monday"
    assert create_run_folder(path) == RunFolder(path)
    with pytest.raises(ConfigError, match="never writes over a run") as caught:
        create_run_folder(path)
    assert f"leanrl train --resume {path}" in caught.value.hint


def test_a_file_in_the_way_is_no_run_folder_either(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(ConfigError, match="exists already"):
        create_run_folder(tmp_path / "runs")


def test_a_new_path_carries_name_and_time_and_is_free(tmp_path):
    now = datetime(2026, 3, 4, 5, 6, 7)
    first = new_run_path(tmp_path, "cpu-demo", now)
    assert first == tmp_path / "cpu-demo-20260304-050607"
    first.mkdir()
    second = new_run_path(tmp_path, "cpu-demo", now)
    assert second == tmp_path / "cpu-demo-20260304-050607-2"
    second.mkdir()
    assert new_run_path(tmp_path, "cpu-demo", now) == tmp_path / "cpu-demo-20260304-050607-3"


def test_only_a_folder_with_a_config_is_a_run(tmp_path):
    with pytest.raises(ConfigError, match="is not a run folder"):
        open_run_folder(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert open_run_folder(tmp_path).config == tmp_path / "config.json"


@pytest.mark.parametrize(
    ("file", "said"), [("evaluation.json", "leanrl compare BASE "), ("_curation/../manifest.json", "leanrl data show ")]
)
def test_another_folder_of_leanrl_is_named_with_the_command_that_shows_it(tmp_path, file, said):
    (tmp_path / "_curation").mkdir()
    (tmp_path / file).write_text("{}")
    with pytest.raises(ConfigError, match="is not a run folder but ") as caught:
        open_run_folder(tmp_path)
    assert said in caught.value.hint


def test_json_is_written_whole_and_read_back(tmp_path):
    path = tmp_path / "summary.json"
    write_json(path, {"score": 0.5, "name": "für"})
    write_json(path, {"score": 0.75, "name": "für", "command": "leanrl train --run-dir by\udcff"})
    assert read_json(path) == {"score": 0.75, "name": "für", "command": "leanrl train --run-dir by\udcff"}
    assert [file.name for file in tmp_path.iterdir()] == ["summary.json"]
    assert "für" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("content", "said"), [(b"{", "Expecting"), (b"[1]", "a list"), (b"\xff\xfe\xfd", "decode")])
def test_what_is_no_json_object_is_named(tmp_path, content, said):
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        read_json(path)
    assert str(path) in caught.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"plan\.json cannot be read"):
        read_json(tmp_path / "plan.json")


# U+2028, U+2029, U+0085 and form feeds end a line for str.splitlines; JSON leaves the first three as they are.
# Half a surrogate pair is what a path has whose bytes are no text, and a problem may have; UTF-8 has no spelling of it.
TEXTS = ["plain", "zwölf", "a\u2028b\u2029c", "d\x85e", "f\x0cg\r\nh", "by\udcff \ud83d", ""]


def test_lines_come_back_whatever_they_contain(tmp_path):
    path = tmp_path / "lines.jsonl"
    for text in TEXTS:
        append_jsonl(path, {"text": text})
    assert [line["text"] for line in read_jsonl(path)] == TEXTS


@pytest.mark.parametrize("cut", [1, 5, 12])
def test_a_last_line_that_was_cut_short_is_passed_over(tmp_path, cut):
    """Cut 5 bytes before the end, the line stops inside the two bytes of an umlaut."""
    path = tmp_path / "lines.jsonl"
    append_jsonl(path, {"text": "first"})
    append_jsonl(path, {"text": "xü}"})
    content = path.read_bytes()[:-1]
    path.write_bytes(content[:-cut])
    assert [line["text"] for line in read_jsonl(path)] == ["first"]


def test_a_broken_line_before_the_last_is_named(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_text('{"a": 1}\n{"a": \n{"a": 3}\n')
    lines = read_jsonl(path)
    assert next(lines) == {"a": 1}
    with pytest.raises(LeanRLError, match=r"lines\.jsonl, line 2"):
        next(lines)


def test_what_lies_beside_a_file_is_never_written_through(tmp_path):
    """A kill leaves FILE.tmp; a link of that name may lead anywhere."""
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "plan.json.tmp").symlink_to("mine.txt")
    write_json(tmp_path / "plan.json", {"a": 1})
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine.txt", "plan.json"]


def test_an_empty_file_has_no_lines(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.touch()
    assert list(read_jsonl(path)) == []


def test_a_line_file_is_replaced_whole(tmp_path):
    path = tmp_path / "lines.jsonl"
    append_jsonl(path, {"text": "of an earlier attempt"})
    write_jsonl(path, ({"text": text} for text in TEXTS))
    assert [line["text"] for line in read_jsonl(path)] == TEXTS
    assert [file.name for file in tmp_path.iterdir()] == ["lines.jsonl"]


def test_a_name_that_is_no_utf8_is_read_back_as_it_was(tmp_path):
    value = {"path": os.fsdecode(b"gr\xf6.jsonl"), "text": "größe 数"}
    write_json(tmp_path / "a.json", value)
    append_jsonl(tmp_path / "b.jsonl", value)
    write_jsonl(tmp_path / "c.jsonl", [value])
    assert read_json(tmp_path / "a.json") == value
    assert [*read_jsonl(tmp_path / "b.jsonl"), *read_jsonl(tmp_path / "c.jsonl")] == [value, value]
