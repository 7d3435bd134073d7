"""The results file of kills and faults: written after each row, and gone on with where a stopped run left it."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from leanrl.storage.run_folder import write_json

Kind = Literal["kills", "terms", "faults"]
# What the rows of one file have in common.
_SAME = ("commit", "seed", "is_cold")


class Results:
    """What has been found so far, in a file.

    Args:
        order: the names of all kinds of runs, in the order in which the file lists them.
    """

    def __init__(self, file: Path, content: dict[str, Any], *, order: Sequence[str]) -> None:
        self.file, self.content, self._order = file, content, order

    def of_kills(self, name: str) -> list[dict[str, Any]]:
        """Return the rows of the kills of a kind of run."""
        return list(self.content["kills"].get(name, ()))

    def add(self, kind: Kind, name: str, row: dict[str, Any]) -> None:
        """Add a row of a kind of run, and write the file."""
        if kind == "kills":
            kills = self.content["kills"]
            kills.setdefault(name, []).append(row)
            self.content["kills"] = {known: kills[known] for known in self._order if known in kills}
        else:
            self.content[kind].append(row)
        write_json(self.file, self.content)

    @property
    def num_different(self) -> int:
        """Return how many runs lost something."""
        groups = [*self.content["kills"].values(), self.content["terms"], self.content["faults"]]
        return sum(bool(row["differs"]) for rows in groups for row in rows)


def opened(file: Path, about: Mapping[str, Any], *, is_continued: bool, order: Sequence[str]) -> Results:
    """Return the results of a file: new ones, or those that it holds, which must be of the same commit and seed.

    A file that is there is never written over. SystemExit says what else to do.
    """
    if not file.exists():
        return Results(file, {**about, "kills": {}, "terms": [], "faults": []}, order=order)
    if not is_continued:
        sys.exit(f"error: {file} exists.\nhint: --continue adds to it what it lacks; another name begins anew")
    content = json.loads(file.read_text(encoding="utf-8"))
    others = [f"{name} {content.get(name)}, now {about[name]}" for name in _SAME if content.get(name) != about[name]]
    if others:
        sys.exit(
            f"error: {file} is of another run: {'; '.join(others)}.\n"
            "hint: name another file, or move this one away to begin anew"
        )
    return Results(file, content, order=order)
