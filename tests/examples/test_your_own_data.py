"""examples/your_own_data.md: what its blocks leave and print, with its own files and columns."""

import json
import re
from pathlib import Path

import pytest

from tests.examples.blocks import Block
from tests.examples.test_pages import OWN_DATA
from tests.examples.walk import walk


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the page is walked."""
    return tmp_path_factory.mktemp("own-data") / "walk"


@pytest.fixture(scope="module")
def printed(folder: Path, tiny_model: Path) -> list[tuple[Block, str]]:
    """What its blocks have printed; it trains on a tiny model for two steps."""
    folder.mkdir()
    return walk(OWN_DATA, folder, model=tiny_model, is_long=False)


def test_the_page_has_an_output_of_python_and_an_error(printed: list[tuple[Block, str]]) -> None:
    """The walk compares both with what is printed."""
    shown = [block.shown for block, _ in printed if block.shown]
    assert len(shown) == 2
    assert shown[0].startswith("9 to train on, 2 held out")
    assert shown[1].startswith("error: legs.jsonl: has no column 'answer'")


def test_a_dry_run_shows_every_value_that_was_set(printed: list[tuple[Block, str]]) -> None:
    set_values = [
        (key, value, out)
        for block, out in printed
        for key, value in re.findall(r"-s (\S+)=(\S+)", block.content)
        if "--dry-run" in block.content
    ]
    assert len(set_values) == 5
    for key, value, out in set_values:
        assert re.search(rf'{re.escape(key)} = "?{re.escape(value)}"?  \[--set\]', out)
        assert "data.num_heldout = 2  [preset my.yaml]" in out


def test_a_hub_dataset_takes_the_place_of_the_file(printed: list[tuple[Block, str]]) -> None:
    (out,) = (out for block, out in printed if "data.hub_id" in block.content)
    assert "data.path = null" in out


def test_the_run_trains_and_reports(folder: Path, printed: list[tuple[Block, str]]) -> None:
    """The bad row is listed in the run and in the report."""
    summary = json.loads((folder / "runs/legs/summary.json").read_text())
    assert (summary["num_train_rows"], summary["num_heldout_rows"], summary["num_dropped_rows"]) == (9, 2, 1)
    dropped = json.loads((folder / "runs/legs/dropped_rows.jsonl").read_text())
    assert dropped == {"where": "legs.jsonl:12", "reason": "no gold answer (column 'result')"}
    page = (folder / "runs/legs/report/index.html").read_text()
    assert "legs.jsonl:12" in page
    assert len(list((folder / "runs/legs/report").glob("*.png"))) >= 8


def test_the_error_leaves_no_run(folder: Path, printed: list[tuple[Block, str]]) -> None:
    assert [path.name for path in (folder / "runs").iterdir()] == ["legs"]
