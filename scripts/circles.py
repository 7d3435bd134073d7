"""Fails if files import each other in a circle; imports inside functions and under TYPE_CHECKING count too."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("leanrl", "tests", "benchmarks", "examples", "scripts")


def imports(root: Path) -> dict[str, set[str]]:
    """Return the files that each Python file imports, as paths below `root` without `.py`."""
    paths = [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    files = {path.relative_to(root).with_suffix("").as_posix() for path in paths}
    return {file: {found for found in _named(root, file) if found in files and found != file} for file in files}


def _named(root: Path, file: str) -> set[str]:
    named: set[str] = set()
    for node in ast.walk(ast.parse((root / f"{file}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    paths = {name.replace(".", "/") for name in named}
    beside = file.rpartition("/")[0]  # where scripts that are started by their path look first
    return paths | {f"{path}/__init__" for path in paths} | {f"{beside}/{path}" for path in paths}


def circles(imported: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """Return the sets of files of which each one reaches every other, sorted."""
    reached = {file: _reached(file, imported) for file in imported}
    groups = (tuple(sorted(other for other in found if file in reached[other])) for file, found in reached.items())
    return {group for group in groups if group}


def _reached(start: str, imported: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        new = imported[waiting.pop()] - reached
        reached |= new
        waiting += new
    return reached


def problems(root: Path) -> list[str]:
    """Return a line for each circle."""
    return [f"a circle of imports: {', '.join(circle)}" for circle in sorted(circles(imports(root)))]


if __name__ == "__main__":
    wrong = problems(ROOT)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    sys.exit(1 if wrong else 0)
