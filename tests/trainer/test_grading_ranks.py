"""The grader under torchrun: each rank has a pool of its own, with its share of the cores."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = r"""
import json, os
from leanrl.grading.pool import GraderPool
from leanrl.types import GradeRequest

requests = [GradeRequest(r"\boxed{1+x}", "x+1"), GradeRequest(r"\boxed{9^{9^{9^{9}}}}", "4"), GradeRequest("4", "4")]
with GraderPool() as pool:
    reasons = [verdict.reason for verdict in pool.grade(requests)]
with open(os.environ["OUT"] + "/" + os.environ["RANK"], "w") as file:
    json.dump(reasons, file)
"""


def test_every_rank_of_torchrun_grades(tmp_path):
    script = tmp_path / "rank.py"
    script.write_text(SCRIPT)
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=Path(__file__).resolve().parents[2],
        env=os.environ | {"OUT": str(tmp_path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for rank in ("0", "1"):
        first, second, third = json.loads((tmp_path / rank).read_text())
        assert (first, third) == ("correct", "no_box")
        assert second != "correct"
