"""Fails if a Python file is longer than 400 lines (docs: CONTRIBUTING.md)."""

import sys
from pathlib import Path

LIMIT = 400
FOLDERS = ("leanrl", "tests", "benchmarks", "examples", "scripts")

root = Path(__file__).resolve().parent.parent
lengths = {path: len(path.read_text().splitlines()) for folder in FOLDERS for path in (root / folder).rglob("*.py")}
too_long = {path: length for path, length in lengths.items() if length > LIMIT}
for path, length in sorted(too_long.items()):
    print(f"{path.relative_to(root)}: {length} lines; split it by noun (limit {LIMIT})", file=sys.stderr)
sys.exit(1 if too_long else 0)
