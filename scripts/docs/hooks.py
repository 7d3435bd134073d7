"""What mkdocs calls while it builds the site: adds pages that docs/ does not hold, and mends links that leave it."""

import re

from commands_page import commands_page
from folder_page import folder_page
from formulas_page import formulas_page
from listings_pages import plugins_page, rewards_page
from mkdocs.structure.files import File
from places import PAGES, ROOT, linked_files, repository_place, site_place, with_site_links
from python_page import python_page
from words_page import words_page

_WRITTEN = {
    "concepts/words.md": words_page,
    "reference/commands.md": commands_page,
    "reference/formulas.md": formulas_page,
    "reference/plugins.md": plugins_page,
    "reference/python.md": python_page,
    "reference/rewards.md": rewards_page,
}
# GitHub shows no file name at a block; the site does.
_NAMED_FENCE = re.compile(r"^```(\w+) (\S+)$", re.M)


def on_files(files, config):
    """Add the pages that are elsewhere or nowhere, and every file to which a page links."""
    for repository, site in PAGES.items():
        text = (ROOT / repository).read_text(encoding="utf-8")
        files.append(File.generated(config, site, content=text))
    for site, write in _WRITTEN.items():
        files.append(File.generated(config, site, content=write()))
    pages = {repository_place(file.src_uri): file.content_string for file in files.documentation_pages()}
    for linked in sorted(set().union(*(linked_files(page, text) for page, text in pages.items())) - set(PAGES)):
        files.append(_copied(linked, config))
    return files


def on_page_markdown(markdown, page, config, files):
    """Return a page's text with the links of the site and with titles on blocks that are files."""
    if page.file.src_uri.startswith("repository/"):
        return markdown
    return _NAMED_FENCE.sub(r'``` { .\1 title="\2" }', with_site_links(page.file.src_uri, markdown))


def _copied(repository, config):
    site, path = site_place(repository), ROOT / repository
    if path.is_dir():
        return File.generated(config, site, content=folder_page(path))
    return File.generated(config, site, abs_src_path=str(path))
