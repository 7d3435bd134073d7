"""The page of words with a meaning of their own here: the glossary of docs/architecture.md."""

from places import ROOT

_INTRODUCTION = """\
# Words

The words below mean one thing here. [architecture.md](../architecture.md#glossary) keeps the list.
"""


def words_page() -> str:
    """Return the page: the glossary's table."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("\n## Glossary\n")[2].partition("\n## ")[0]
    return f"{_INTRODUCTION}\n{table.strip()}\n"
