"""Two ranks on gloo that torchrun starts: one thread each, nothing but this machine's loopback."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
# Longer than any of them takes on two busy cores; a rank that waits for ever says where before (tests.*.two_ranks).
_PATIENCE_SECONDS = 240


def torchrun_two_ranks(*target: str, **environment: str) -> str:
    """Run a script, or `-m` and a module, with its arguments on two ranks, and return what they print.

    Raises:
        AssertionError: with their stderr, if one of them fails.
    """
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *target]
    quiet = {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=_ROOT,
        env=os.environ | quiet | environment,
        capture_output=True,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
