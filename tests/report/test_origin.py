"""Where a run departs from its preset, and the commands that run it again and go on from it."""

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from leanrl.config.load import load_config
from leanrl.report.origin import differences, origin_section
from leanrl.report.run_data import RunData, read_run
from leanrl.storage.checkpoint_files import COMPLETE
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


def test_the_command_is_shown_as_it_was_typed(run: RunFolder) -> None:
    assert "As it was typed" not in origin_section(read_run(run))
    write_json(run.env, {"command": "leanrl train -p cpu-demo -s train.seed=7 <b>"})
    page = origin_section(read_run(run))
    assert "<pre>leanrl train -p cpu-demo -s train.seed=7 &lt;b&gt;</pre>" in page


def test_checkpoints_are_links_that_lead_from_the_page_to_their_folders(run: RunFolder) -> None:
    for step in (4, 7):
        run.checkpoint(step).mkdir(parents=True)
        (run.checkpoint(step) / COMPLETE).touch()
    run.checkpoint(9).mkdir()  # not written to its end
    run.report.mkdir()
    links = re.findall(r'<a href="([^"]+)">', origin_section(read_run(run), run.report))
    assert [(run.report / unquote(link)).resolve() for link in links] == [run.checkpoint(4), run.checkpoint(7)]
    served = origin_section(read_run(run))
    assert "<a " not in served
    assert str(run.checkpoint(7)) in served


def test_a_run_without_its_config_says_nothing() -> None:
    assert origin_section(RunData("run")) == ""
