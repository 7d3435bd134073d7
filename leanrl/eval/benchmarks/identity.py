"""What tells two versions of a benchmark apart: a hash of its problems with their gold answers."""

import hashlib
import json
from collections.abc import Sequence

from leanrl.types import Row


def problems_sha256(rows: Sequence[Row]) -> str:
    """Return the hash of problems and golds, whatever their order, ids and prompts."""
    lines = sorted(json.dumps([row.problem.strip(), str(row.gold)], ensure_ascii=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
