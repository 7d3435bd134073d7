"""What is said where `-p` or `extends` names no preset."""

import shlex

import pytest

from leanrl.config.files.shipped import preset_names, preset_path
from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from tests.config.written import write_preset


def refusal(preset) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_config(preset)
    return caught.value


def test_a_folder_is_called_one(tmp_path):
    error = refusal(tmp_path)
    assert error.message == f"`{tmp_path}` is a folder, not a preset."
    assert "`leanrl presets`" in error.hint


def test_a_folder_with_presets_names_one_of_them(tmp_path):
    folder = tmp_path / "my presets"
    folder.mkdir()
    file = write_preset(folder)
    *_, named = shlex.split(refusal(folder).hint)
    assert named == file


def test_a_run_folder_names_its_configuration_and_the_command_that_goes_on(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    error = refusal(tmp_path)
    assert error.message == f"`{tmp_path}` is a run folder, not a preset."
    assert f"`{tmp_path / 'config.json'}`" in error.hint
    assert f"leanrl train --resume {tmp_path}" in error.hint


@pytest.mark.parametrize("name", ["my data.jsonl", "sums.csv", "sums.parquet"])
def test_a_data_file_is_called_one_and_gets_its_key(tmp_path, name):
    file = tmp_path / name
    file.write_text("{}")
    error = refusal(file)
    assert error.message == f"`{file}` is a data file, not a preset."
    flags = shlex.split(error.hint.partition(": ")[2])
    assert flags == ["-p", "cpu-demo", "-s", f"data.path={file}"]


def test_another_file_is_told_what_a_preset_ends_in(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_text("")
    assert "not a preset" in refusal(file).message
    assert ".yaml, .yml or .json" in refusal(file).hint


def test_a_file_that_is_not_there_names_its_neighbour(tmp_path):
    write_preset(tmp_path, name="mine.yaml")
    assert f"Did you mean `{tmp_path / 'mine.yaml'}`?" in refusal(tmp_path / "min.yaml").hint


def test_a_preset_with_an_ending_too_many_is_recognised(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "Did you mean `cpu-demo`?" in refusal("cpu-demo.yaml").hint


@pytest.mark.parametrize("wrong", ["cpu-dmo", "x" * 10_000, "a\0b", "x" * 5000 + ".yaml", "", "nowhere/x"])
def test_every_message_is_short_enough_to_read(wrong):
    error = refusal(wrong)
    assert len(error.message) < 6000 if wrong.endswith(".yaml") else len(error.message) < 150
    assert len(error.hint) < 250


@pytest.mark.parametrize("parent", ["cpu-dmo", "none.yaml", "folder", "rows.jsonl"])
def test_a_mistake_of_extends_names_the_file_and_the_key(tmp_path, parent):
    (tmp_path / "folder").mkdir()
    (tmp_path / "rows.jsonl").write_text("")
    file = write_preset(tmp_path, f"extends: {parent}\n")
    assert refusal(file).message.startswith(f"{file}: `extends: {parent}`: ")


def test_a_mistake_of_a_parents_extends_names_the_parent(tmp_path):
    write_preset(tmp_path, "extends: cpu-dmo\n", name="parent.yaml")
    file = write_preset(tmp_path, "extends: parent.yaml\n")
    assert refusal(file).message.startswith(f"{tmp_path / 'parent.yaml'}: `extends: cpu-dmo`: ")
    assert "Did you mean `cpu-demo`?" in refusal(file).hint


def test_a_folder_with_the_name_of_a_preset_hides_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cpu-demo").mkdir()
    assert preset_path("cpu-demo").name == "cpu-demo.yaml"
    assert "cpu-demo" in preset_names()
