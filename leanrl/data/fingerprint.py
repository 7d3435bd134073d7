"""Fingerprint of a run's problems: a hash of their content in their order, and how many there are."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from leanrl.types import ProblemSet, Row


def problems_fingerprint(problems: ProblemSet) -> dict[str, Any]:
    """Return the SHA-256 of all rows in their order, which decides what is asked in a step, and their numbers."""
    digest = hashlib.sha256()
    for rows in (problems.train, problems.heldout):
        _add(digest, rows)
    return {
        "sha256": digest.hexdigest(),
        "num_train_rows": len(problems.train),
        "num_heldout_rows": len(problems.heldout),
    }


def _add(digest: Any, rows: Sequence[Row]) -> None:
    digest.update(f"{len(rows)}\n".encode())
    for row in rows:
        asked = row.asked_by if isinstance(row.asked_by, list | str) else None  # a form is made of the configuration
        content = [row.id, row.problem, str(row.gold), asked, row.columns]
        digest.update(json.dumps(content, sort_keys=True, default=_type_of).encode("utf-8", "surrogatepass") + b"\n")


def _type_of(value: object) -> str:
    """What JSON has no form for is known by its type: its text may hold an address of memory."""
    return type(value).__name__
