"""Fails if a built page asks the network for something, or links to a page or heading that is not there.

python scripts/docs/check_site.py site
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser fetches by itself; a link that somebody has to click may lead to the network.
_FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
_FETCHED_RELATIONS = {"stylesheet", "icon", "preload", "prefetch", "preconnect", "modulepreload", "manifest"}
_CSS_URL = re.compile(r"""url\(\s*['"]?(https?:|//)[^)]*\)|@import\s+['"](?:https?:|//)""")


class _Page(HTMLParser):
    """What one page fetches, where it links to, and which anchors it has."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        is_fetched = tag != "link" or bool(_FETCHED_RELATIONS & set(values.get("rel", "").split()))
        if tag in _FETCHED and is_fetched and values.get(_FETCHED[tag]):
            self.fetched.append(values[_FETCHED[tag]])


def problems(site: Path) -> list[str]:
    """Return a line for each fetch from the network and for each link to nothing."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    styles = [path for path in sorted(site.rglob("*.css")) if _CSS_URL.search(path.read_text(encoding="utf-8"))]
    found = [f"{path.relative_to(site)}: fetches from the network" for path in styles]
    for path, page in pages.items():
        found += [f"{path.relative_to(site)}: {line}" for line in _page_problems(path, page, pages, site)]
    return found


def _page_problems(path: Path, page: _Page, pages: dict[Path, _Page], site: Path) -> Iterator[str]:
    yield from (f"fetches {one} from the network" for one in page.fetched if urlsplit(one).netloc)
    here = [one for one in page.fetched if not urlsplit(one).netloc and not one.startswith("data:")]
    yield from (f"fetches {one}, which is not there" for one in here if not _target(path, one, site).exists())
    for link in sorted(set(page.links)):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = _target(path, link, site) if parts.path else path
        if not target.exists():
            yield f"links to {link}, which is not there"
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"links to {link}, which has no such heading"


def _target(path: Path, link: str, site: Path) -> Path:
    place = unquote(urlsplit(link).path)
    found = site / place.lstrip("/") if place.startswith("/") else (path.parent / place).resolve()
    return found / "index.html" if found.is_dir() else found


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


if __name__ == "__main__":
    wrong = problems(Path(sys.argv[1]).resolve())
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    sys.exit(1 if wrong else 0)
