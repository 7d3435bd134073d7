"""Fails if a Python file has more than 400 lines, or a folder of Python code more than 14 files."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("leanrl", "tests", "benchmarks", "examples", "scripts")
MOST_LINES = 400
MOST_FILES = 14
# Every package has the first, and pytest looks for the second by its name.
_NOT_COUNTED = ("__init__.py", "conftest.py", "py.typed")


def problems(root: Path) -> list[str]:
    """Return a line for each Python file that is too long, and for each folder with too many files."""
    files = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))
    folders = sorted({path.parent for path in files})
    return [*_long_files(files, root), *_crowded_folders(folders, root)]


def _long_files(files: list[Path], root: Path) -> list[str]:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    return [
        f"{path.relative_to(root)}: {length} lines; split it by noun (limit {MOST_LINES})"
        for path, length in lengths.items()
        if length > MOST_LINES
    ]


def _crowded_folders(folders: list[Path], root: Path) -> list[str]:
    counted = {
        folder: sum(path.is_file() and path.name not in _NOT_COUNTED for path in folder.iterdir()) for folder in folders
    }
    return [
        f"{folder.relative_to(root)}: {count} files; give a noun of it a sub-folder (limit {MOST_FILES})"
        for folder, count in counted.items()
        if count > MOST_FILES
    ]


if __name__ == "__main__":
    wrong = problems(ROOT)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    sys.exit(1 if wrong else 0)
