"""Every command that writes a file or a folder: a place that takes none, and a file of the user's, before any work."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import LeanRLError
from tests.cli.commands import all_commands
from tests.curation.building.recipes import built, sums, write_recipe
from tests.report.sample_run import write_sample_run

PROBLEMS = '{"problem": "How many legs have 3 cats?", "answer": "12"}\n'
# The words of each command before the place; options that name a place and are not here read from it.
WRITES = {
    ("init", "--out"): "init -y --device cpu --out PLACE.yaml",
    ("train", "--run-dir"): "train -p cpu-demo --run-dir PLACE",
    ("eval", "--out"): "eval --pin --benchmarks math500 --data-dir . --out PLACE",
    ("merge", "--out"): "merge model --out PLACE",
    ("report", "--out"): "report run --out PLACE",
    ("data", "build", "--out"): "data build small.yaml --out PLACE",
    ("data", "show", "--html"): "data show built --html PLACE.html",
    ("data", "rank", "--out"): "data rank run --out PLACE.jsonl",
    ("data", "decontaminate", "--out"): "data decontaminate problems.jsonl --against problems.jsonl --out PLACE.jsonl",
}
PLACE = re.compile(r"\b(?:DIR|FILE|FOLDER)\b")
READS = {"--preset", "--data-dir", "--plugin", "--resume", "--from", "--replies-of", "--data", "--model", "--gguf"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    for name in ("math500.jsonl", "problems.jsonl"):
        (folder / name).write_text(PROBLEMS)
    (folder / "afile").write_text("mine")
    (folder / "model").mkdir()
    (folder / "model" / "config.json").write_text("{}")
    write_sample_run(folder / "run", num_steps=2)
    built(write_recipe(folder, sums(4), {}), folder / "built")
    return folder


def _refused(words: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(place)
    error = CliRunner().invoke(app, words.split()).exception
    assert isinstance(error, LeanRLError), repr(error)
    return str(error)


def test_every_option_that_names_a_place_is_known() -> None:
    named = {
        (*words, parameter.opts[0])
        for words, command in all_commands().items()
        for parameter in command.params
        if parameter.param_type_name == "option" and PLACE.search(str(parameter.metavar))
    }
    assert {name for name in named if name[-1] not in READS} == WRITES.keys()


@pytest.mark.parametrize("words", WRITES.values())
@pytest.mark.parametrize("below", ["/proc/made", "afile/made"])
def test_a_place_that_takes_nothing_is_named_with_the_reason(words, below, place, monkeypatch) -> None:
    said = _refused(words.replace("PLACE", below), place, monkeypatch)
    assert below in said
    assert "nothing can be written" in said
    assert (place / "afile").read_text() == "mine"


@pytest.mark.parametrize("words", WRITES.values())
def test_what_a_user_made_stays(words, place, monkeypatch) -> None:
    at = next(word for word in words.split() if word.startswith("PLACE"))
    mine = place / at.replace("PLACE", "mine")
    mine.write_text("mine")
    try:
        said = _refused(words.replace("PLACE", "mine"), place, monkeypatch)
        assert mine.name in said
        assert mine.read_text() == "mine"
    finally:
        os.unlink(mine)
