"""A sample of `make test-faults`: three kills and a SIGTERM at fixed random moments, and two other faults."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faults.others import NEED_A_MOUNT

# With the exit code of the run that meets each; a user who may not mount a file system has no small disk.
FAULTS = {"a disk with no room for a checkpoint": 6, "a clock set back by an hour": 0}


def test_runs_that_a_fault_stops_end_as_the_one_that_was_never_stopped(tmp_path: Path) -> None:
    """In a process of its own: each run is a fork of one that has imported torch and computed nothing."""
    out = tmp_path / "faults.json"
    counts = ("--kills", "3", "--terms", "1", "--seed", "1")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.matrix", out, "--cases", "lora", *counts, "--faults", *FAULTS],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(out.read_text())
    kills, terms, faults = content["kills"]["lora"], content["terms"], content["faults"]
    assert [row["exit_code"] for row in kills] == [-9] * 3
    assert [row["exit_code"] for row in terms] == [143]
    assert all(row["was_reached"] for row in kills + terms)
    assert all(row["differs"] == [] for row in kills + terms + faults)
    assert [row["fault"] for row in faults] == list(FAULTS)
    codes = {row["fault"]: row["exit_code"] for row in faults if "skipped" not in row}
    assert FAULTS.keys() - codes.keys() <= set(NEED_A_MOUNT)
    assert codes == {fault: code for fault, code in FAULTS.items() if fault in codes}
