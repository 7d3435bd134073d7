"""examples/your_own_data.md, block by block: its files are written, its Python and its commands run."""

import contextlib
import io
import itertools
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.run import Outcome, leanrl, tiny_overrides

GUIDE = Path(__file__).parents[2] / "examples" / "your_own_data.md"


@dataclass(frozen=True)
class Block:
    language: str
    file_name: str
    content: str


BLOCKS = [Block(*found) for found in re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)]
COMMANDS = [line for block in BLOCKS if block.language == "shell" for line in block.content.splitlines()]
TRAIN = "leanrl train -p my.yaml --run-dir runs/legs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the guide's files, and the process in it."""
    for block in BLOCKS:
        if block.file_name:
            (tmp_path / block.file_name).write_text(block.content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str, *more: str) -> Outcome:
    program, *arguments = shlex.split(command)
    assert program == "leanrl"
    return leanrl(*arguments, *more)


def output_after(language: str) -> list[str]:
    """Return the outputs that the guide shows right after blocks of a language."""
    pairs = itertools.pairwise(BLOCKS)
    return [shown.content for block, shown in pairs if (block.language, shown.language) == (language, "text")]


def test_the_guide_has_all_its_blocks() -> None:
    """A fence that the pattern misses would be a block that nobody runs."""
    assert GUIDE.read_text().count("\n```") == 2 * len(BLOCKS)
    assert [block.file_name for block in BLOCKS if block.file_name] == ["legs.jsonl", "my.yaml"]
    assert {block.language for block in BLOCKS} == {"jsonl", "yaml", "python", "shell", "text"}


def test_the_python_prints_what_the_guide_shows(folder: Path) -> None:
    (code,) = (block.content for block in BLOCKS if block.language == "python")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(GUIDE), "exec"), {})
    assert [printed.getvalue()] == output_after("python")


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.endswith("--dry-run")])
def test_what_the_guide_dry_runs(folder: Path, command: str) -> None:
    done = run(command)
    assert done.code == 0, done.err
    for flag in re.findall(r"-s (\S+)=(\S+)", command):
        assert re.search(rf'{re.escape(flag[0])} = "?{re.escape(flag[1])}"?  \[--set\]', done.out)
    assert "data.num_heldout = 2  [preset my.yaml]" in done.out


def test_a_hub_dataset_takes_the_place_of_the_file(folder: Path) -> None:
    (command,) = (command for command in COMMANDS if "data.hub_id" in command)
    assert "data.path = null" in run(command).out


def test_the_error_is_the_one_that_the_guide_shows(folder: Path) -> None:
    (command,) = (command for command in COMMANDS if command.startswith("leanrl train -p cpu-demo"))
    done = run(command)
    assert done.code == 4
    assert [done.err] == output_after("shell")
    assert not (folder / "runs").exists()


def test_the_guides_run_trains_and_reports(folder: Path, tiny_model: Path) -> None:
    """Its own files and columns, on a tiny model for two steps: the bad row is listed in the run and in the report."""
    assert TRAIN in COMMANDS
    trained = run(TRAIN, *tiny_overrides(tiny_model, "rollout.max_prompt_tokens=400"))
    assert trained.code == 0, trained.err
    summary = json.loads((folder / "runs/legs/summary.json").read_text())
    assert (summary["num_train_rows"], summary["num_heldout_rows"], summary["num_dropped_rows"]) == (9, 2, 1)
    dropped = json.loads((folder / "runs/legs/dropped_rows.jsonl").read_text())
    assert dropped == {"where": "legs.jsonl:12", "reason": "no gold answer (column 'result')"}
    reported = run("leanrl report runs/legs")
    assert reported.code == 0, reported.err
    page = (folder / reported.out.strip()).read_text()
    assert "legs.jsonl:12" in page
    assert len(list((folder / "runs/legs/report").glob("*.png"))) >= 8
