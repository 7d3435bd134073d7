"""A folder of the repository as a page, for links that lead out of docs/."""

from pathlib import Path

from places import ROOT


def folder_page(path: Path) -> str:
    """Return a page with the names of a folder's files, and the first line of those of Python."""
    rows = [f"| `{found.name}` | {_first_line(found)} |" for found in sorted(path.iterdir()) if found.is_file()]
    return "\n".join([f"# {path.relative_to(ROOT)}", "", "| file | its first line |", "|---|---|", *rows, ""])


def _first_line(path: Path) -> str:
    if path.suffix != ".py":
        return ""
    return path.read_text(encoding="utf-8").partition("\n")[0].strip('"').replace("|", "\\|")
