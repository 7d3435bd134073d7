"""The gradients of one process, on two ranks with unequal work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_model import make_tiny_model


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_ddp_and_fsdp2_reach_the_gradients_of_one_process(tmp_path, family):
    """A trained head, untied and tied; both ranks run as many passes, though one has a single row that teaches."""
    folder = make_tiny_model(tmp_path / "model", family=family)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "tests.engine.two_ranks"]
    done = subprocess.run(
        [sys.executable, *command, str(folder)],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "equal" in done.stdout
