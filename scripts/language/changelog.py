"""Fails where an entry of CHANGELOG.md is not under Added, Changed or Fixed, or has more than two lines."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("Added", "Changed", "Fixed")
MOST_LINES = 2
# A few entries name long keys; the others have 120.
MOST_CHARACTERS = 160


def problems(text: str) -> list[str]:
    """Return a line for each heading and each entry that breaks a rule."""
    headings = re.findall(r"^### (.+)$", text, re.M)
    found = [f"CHANGELOG.md: the heading '{one}' is none of {', '.join(KINDS)}" for one in headings if one not in KINDS]
    entry: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if entry and not line.startswith("  "):
            if len(entry) > MOST_LINES:
                found.append(
                    f"CHANGELOG.md:{number - len(entry)}: {len(entry)} lines; an entry has at most {MOST_LINES}"
                )
            entry = []
        if line.startswith("- ") or entry:
            entry.append(line)
        if len(line) > MOST_CHARACTERS:
            found.append(f"CHANGELOG.md:{number}: {len(line)} characters; a line has at most {MOST_CHARACTERS}")
    return found


if __name__ == "__main__":
    wrong = problems((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    sys.exit(1 if wrong else 0)
