"""README and the guide, block by block: what they print runs as it stands, at toy size by tests/examples/toy.yaml."""

import shlex
from pathlib import Path

import pytest

from tests.examples import toy
from tests.examples.blocks import blocks_of
from tests.examples.walk import ROOT, used_entries, walk

README = ROOT / "README.md"
OWN_DATA = ROOT / "examples" / "your_own_data.md"
_FIRST = ("first_run", "own_reward", "own_model", "method_and_card", "report", "evaluating", "publishing")
GUIDE = [ROOT / "docs" / "guide" / f"{name}.md" for name in _FIRST]
PAGES = [README, OWN_DATA, *GUIDE]


def _name(page: Path) -> str:
    return page.stem


def test_every_page_of_the_guide_is_walked() -> None:
    assert sorted((ROOT / "docs" / "guide").glob("*.md")) == sorted(GUIDE)


@pytest.mark.parametrize("page", [README, *GUIDE], ids=_name)
def test_what_is_quick_runs_as_printed(page: Path, tmp_path: Path) -> None:
    """Plans, dry runs, lists and data; training and what needs a run are in the next test."""
    folder = tmp_path / "walk"
    folder.mkdir()
    walk(page, folder, model=tmp_path / "no-model", is_long=False)


@pytest.mark.long
def test_all_of_it_runs_in_the_order_of_the_guide(tiny_model: Path, tmp_path: Path) -> None:
    """One folder for the guide, as a reader has one; every entry of toy.yaml is met."""
    met: set[str] = set()
    for name, pages in (("readme", [README]), ("own-data", [OWN_DATA]), ("guide", GUIDE)):
        folder = tmp_path / name
        folder.mkdir()
        for page in pages:
            walk(page, folder, model=tiny_model, is_long=True)
        met |= used_entries(folder)
    assert met == set(toy.toy()["leanrl"])


def test_every_entry_belongs_to_a_command_of_a_page() -> None:
    lines = _commands()
    leanrl = [words[1:] for words in lines if words[0] == "leanrl"]
    used = {toy.entry_of(words)[0] for words in leanrl} | {toy.elsewhere_of(words)[0] for words in lines}
    assert set(toy.toy()["leanrl"]) | set(toy.toy()["elsewhere"]) <= used


def test_what_runs_elsewhere_has_a_reason_and_a_place() -> None:
    entries = toy.toy()["elsewhere"].values()
    assert [entry for entry in entries if not entry["why"] or not (ROOT / entry["by"]).exists()] == []


def _commands() -> list[list[str]]:
    blocks = [block for page in PAGES for block in blocks_of(page) if block.language == "shell"]
    text = "".join(block.content for block in blocks).replace("\\\n", " ")
    programs = {"leanrl", *(beginning.split()[0] for beginning in toy.toy()["elsewhere"])}
    lines = [shlex.split(line, comments=True) for line in text.splitlines() if line.split(" ")[0] in programs]
    return [words for words in lines if words]
