"""Where a file of the repository stands in the documentation site, and links between the two."""

import os
import re
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
DOCS = "docs/"

# Pages that stay where GitHub shows them.
PAGES = {
    "README.md": "index.md",
    "examples/your_own_data.md": "guide/your_own_data.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
_HERE = {site: repository for repository, site in PAGES.items()}
# A browser shows these by their kind; it would load other files down, so that they get the kind of a text.
_SHOWN = {".json", ".png", ".svg", ".jpg", ".html"}
# A link may have a title behind its target.
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)\s#]+)(#[^)\s]*)?(?=\)|\s+\")")


def site_place(repository: str) -> str:
    """Return where the site has a file or a folder of the repository."""
    if repository in PAGES:
        return PAGES[repository]
    if repository.startswith(DOCS):
        return repository.removeprefix(DOCS)
    if (ROOT / repository).is_dir():
        return f"repository/{repository}/index.md"
    return f"repository/{repository}" if PurePosixPath(repository).suffix in _SHOWN else f"repository/{repository}.txt"


def repository_place(site: str) -> str:
    """Return which file of the repository a page of the site is, or would be where it is written at build."""
    return _HERE.get(site, f"{DOCS}{site}")


def linked_files(repository: str, text: str) -> set[str]:
    """Return the files outside docs/ to which a page of the repository links; those that do not exist are left out."""
    targets = {_target(repository, link) for link, _ in _LINK.findall(text)}
    return {one for one in targets if not one.startswith(DOCS) and (ROOT / one).exists()}


def with_site_links(site: str, text: str) -> str:
    """Return a page's text with its links as the site has them; a link to nothing stays, for the build to refuse."""
    here = repository_place(site)

    def moved(found: re.Match[str]) -> str:
        target = _target(here, found[1])
        if not (ROOT / target).exists():
            return found[0]
        relative = os.path.relpath(site_place(target), start=str(PurePosixPath(site).parent))
        return f"{PurePosixPath(relative)}{found[2] or ''}"

    return _LINK.sub(moved, text)


def _target(repository: str, link: str) -> str:
    return os.path.normpath(str(PurePosixPath(repository).parent / link))
