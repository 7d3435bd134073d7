"""README.md: its commands run as they are printed, its files are written, and its links lead somewhere."""

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.run import leanrl

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "measurements.md"]
TEXT = PAGES[0].read_text(encoding="utf-8")
FILES = dict(re.findall(r"^cat > (\S+) <<'EOF'\n(.*?)^EOF$", TEXT, re.M | re.S))
SHELL = "".join(re.findall(r"^```shell\n(.*?)^```$", TEXT, re.M | re.S)).replace("\\\n", " ")
LINES = [shlex.split(line, comments=True) for line in SHELL.splitlines() if re.match("(leanrl|make|pip) ", line)]
COMMANDS = [words for words in LINES if words[0] == "leanrl"]

# What needs a finished run, a GPU or an environment of its own, and who runs it instead.
ELSEWHERE = {
    ("train", "--resume"): "tests/cli/training",
    ("train", "-p", "single-gpu-lora"): "tests/vllm",
    ("report",): "tests/cli/training",
    ("merge",): "tests/models/merging",
    ("eval",): "tests/eval",
    ("compare",): "tests/cli/test_compare.py",
}


def place_of(words: list[str]) -> str | None:
    if "--dry-run" in words:
        return None
    return next((place for start, place in ELSEWHERE.items() if tuple(words[1 : 1 + len(start)]) == start), None)


HERE = [words for words in COMMANDS if place_of(words) is None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that README writes, and those that its decontamination reads."""
    (plugin,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
    rows = {"train.jsonl": "How many primes are below one hundred?", "data/math500.jsonl": "What is six times seven?"}
    problems = {name: json.dumps({"problem": text, "answer": "25"}) for name, text in rows.items()}
    for name, content in {**FILES, "brief.py": plugin, **problems}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", HERE, ids=" ".join)
def test_a_command_runs_as_printed(folder: Path, words: list[str]) -> None:
    done = leanrl(*words[1:])
    assert done.code == 0, done.err


def test_every_other_command_has_a_place_that_runs_its_kind() -> None:
    assert len(HERE) >= 5
    assert len(HERE) + len(ELSEWHERE) == len(COMMANDS)
    assert [place for place in ELSEWHERE.values() if not (ROOT / place).exists()] == []


def test_make_has_the_targets_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {words[1] for words in LINES if words[0] == "make"} | set(re.findall(r"`make ([\w-]+)`", TEXT))
    assert {"demo", "test"} <= named
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.M)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#([\w-]+))?\)", page.read_text(encoding="utf-8"))
    assert len(links) > 5
    for target, heading in links:
        found = page.parent / target
        assert found.exists(), target
        assert not heading or heading in _anchors(found), f"{target}#{heading}"


def _anchors(page: Path) -> list[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def test_every_preset_is_in_the_readme() -> None:
    presets = {path.stem for path in (ROOT / "presets").glob("*.yaml")}
    assert len(presets) > 10
    assert [name for name in presets if f"`{name}`" not in TEXT] == []
