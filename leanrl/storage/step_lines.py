"""Lines of a file that grows with the steps of a run, cut at a step; what is broken lies behind every step."""

import json
from pathlib import Path

from leanrl.storage.run_folder import write_bytes


def step_in(line: bytes) -> float:
    """Return the step of a line; infinity for one that is cut short, or says none."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return float("inf")


def keep_up_to(path: Path, *, step: int) -> None:
    """Drop the lines of steps after `step`, and those that are broken; nothing where there is no such file."""
    if path.is_file():
        lines = path.read_bytes().splitlines()
        write_bytes(path, b"".join(line + b"\n" for line in lines if step_in(line) <= step))
