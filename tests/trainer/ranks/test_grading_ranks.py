"""The grader under torchrun: each rank has a pool of its own, with its part of the cores."""

import json

from tests.torchrun import torchrun_two_ranks

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
    torchrun_two_ranks(str(script), OUT=str(tmp_path))
    for rank in ("0", "1"):
        first, second, third = json.loads((tmp_path / rank).read_text())
        assert (first, third) == ("correct", "no_box")
        assert second != "correct"
