"""Where a run departs from its preset, and the commands that run it again and go on from it."""

import shlex
from pathlib import Path

import pytest

from leanrl.config.load import load_config
from leanrl.report.origin import differences, origin_section
from leanrl.report.run_data import RunData, read_run
from leanrl.storage.run_folder import RunFolder, create_run_folder, write_json
from tests.report.sample_run import HOSTILE


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = create_run_folder(tmp_path / "a run")
    config = load_config("cpu-demo", ["optimizer.learning_rate=5e-6", "train.max_steps=7"]).config
    write_json(run.config, config.model_dump(mode="json"))
    return run


def test_only_what_differs_from_the_preset_is_listed(run: RunFolder) -> None:
    found = differences(read_run(run))
    assert found is not None
    assert {each.key: each.right for each in found} == {"optimizer.learning_rate": 5e-6, "train.max_steps": 7}


def test_the_command_makes_the_same_config_again(run: RunFolder) -> None:
    page = origin_section(read_run(run)).unescape()
    words = shlex.split(page.partition("<pre>")[2].partition("</pre>")[0])
    assert words[:4] == ["leanrl", "train", "-p", "cpu-demo"]
    again = load_config(words[3], [word for word in words[4:] if word != "-s"]).config
    assert again == load_config(run.config).config


def test_a_config_of_ones_own_is_run_again_from_its_file(run: RunFolder) -> None:
    write_json(run.config, {**load_config(run.config).config.model_dump(mode="json"), "name": HOSTILE})
    data = read_run(run)
    assert differences(data) is None
    assert "config.json" in origin_section(data)
    assert "<script" not in origin_section(data)


def test_a_run_without_its_config_says_nothing() -> None:
    assert origin_section(RunData("run")) == ""
