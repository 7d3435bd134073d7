"""Stands for a program that the blocks of a page name and the tests do not run: it has to be in toy.yaml."""

import shlex
import sys
from pathlib import Path

from tests.examples import toy


def main(words: list[str]) -> None:
    """Make what the entry of a command makes, or leave with an error where there is no entry."""
    beginning, entry = toy.elsewhere_of(words)
    if not beginning:
        sys.exit(f"`{shlex.join(words)}` is not under `elsewhere` in {toy.FILE.name}")
    if "makes" in entry:
        made = Path(entry["makes"])
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()


if __name__ == "__main__":
    main(sys.argv[1:])
