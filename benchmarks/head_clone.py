"""A fresh clone of HEAD, as a new user would have it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def clone_head(folder: Path) -> tuple[Path, str]:
    """Clone HEAD into `folder`/leanrl, and return the clone and its commit."""
    clone = folder / "leanrl"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    head = subprocess.run(["git", "-C", str(clone), "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return clone, head.stdout.strip()
