"""Fails where a text uses a word of terms.yaml, and says which word the field has for it."""

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from texts import Text, texts

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("terms.yaml")


@dataclass(frozen=True)
class Term:
    """A wrong word with the right one, and texts that show what it means and what it leaves alone."""

    wrong: str
    right: str
    finds: list[str] = field(default_factory=list)
    leaves: list[str] = field(default_factory=list)

    def found_in(self, text: Text) -> list[str]:
        """Return a line for each place of a text that has the word."""
        return [
            f"{text.file}:{text.line + text.words.count(chr(10), 0, found.start())}: "
            f"'{' '.join(found[0].split())}' -> {self.right}"
            for found in re.finditer(self.wrong.replace(" ", r"\s+"), text.words, re.I)
        ]


def terms() -> list[Term]:
    """Return the list of terms.yaml."""
    return [Term(**row) for row in yaml.safe_load(FILE.read_text(encoding="utf-8"))]


def problems(root: Path) -> list[str]:
    """Return a line for each wrong word of each text below `root`."""
    known = terms()
    return [line for text in texts(root) for term in known for line in term.found_in(text)]


if __name__ == "__main__":
    wrong = problems(ROOT)
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    sys.exit(1 if wrong else 0)
