"""A sample of `make test-faults`: three kills at fixed random moments."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_killed_runs_end_as_the_one_that_was_never_stopped(tmp_path: Path) -> None:
    """In a process of its own: each run is a fork of one that has imported torch and computed nothing."""
    out = tmp_path / "faults.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.matrix", out, "--cases", "lora", "--kills", "3", "--seed", "1"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kills = json.loads(out.read_text())["kills"]["lora"]
    assert len(kills) == 3
    for kill in kills:
        assert kill["exit_code"] == -9
        assert kill["was_reached"]
        assert kill["differs"] == []
