"""docs/architecture.md shows every room, and docs/decisions.md names files that exist."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PAGES = ["docs/architecture.md", "docs/decisions.md", "docs/status.md", "CONTRIBUTING.md"]
# Where a page may leave out the beginning of a path.
BASES = [ROOT, ROOT / "leanrl", ROOT / "docs"]


def _section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def _tree(section: str) -> dict[str, str]:
    """Return what is said of each folder of an indented tree, by its path."""
    lines: dict[str, str] = {}
    parents: list[str] = []
    for line in section.splitlines():
        found = re.fullmatch(r"    ((?:  )*)(\w+)/(?: +(.*))?", line)
        if found:
            parents[len(found[1]) // 2 :] = [found[2]]
            lines["/".join(parents)] = found[3] or ""
    return lines


def test_every_room_and_sub_room_has_its_line() -> None:
    folders = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "leanrl").rglob("__init__.py")}
    tree = _tree(_section("The rooms"))
    assert set(tree) == folders
    assert [folder for folder, words in tree.items() if not words and folder != "leanrl"] == []


def test_the_layers_of_imports_are_those_that_are_checked() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    checked = [set(re.split(r" [|:] ", layer)) for layer in layers if layer != "__main__"]
    written = re.findall(r"^    ([\w, ]*\w)", _section("The import rule"), flags=re.MULTILINE)
    assert [set(line.split(", ")) for line in written] == checked


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|json|yaml|md))`", text)) | set(
        re.findall(r"\]\(([\w./-]+)(?: \"[^\"]*\")?\)", text)
    )
    assert named
    shown = {path for path in named if "my_" not in path}
    assert [path for path in sorted(shown) if not any((base / path).exists() for base in BASES)] == []


def test_every_test_that_the_decisions_name_exists() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert named
    missing = [
        f"{file}::{test}" for file, test in named if f"def {test}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert missing == []
