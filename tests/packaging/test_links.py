"""Links of the pages that GitHub shows: each leads to a file of the repository, and to a heading that it has."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += sorted((ROOT / "examples").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_leads_to_a_file_and_its_heading(page: Path) -> None:
    links = re.findall(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?(?: \"[^\"]*\")?\)", page.read_text(encoding="utf-8"))
    for target, heading in links:
        found = page.parent / target if target else page
        assert found.exists(), target
        assert not heading or heading in _anchors(found), f"{target}#{heading}"


def _anchors(page: Path) -> list[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
